// SPDX-License-Identifier: Apache-2.0
//! The DWARF of a file, with what dwz moved out of it and what a compiler left in files of its own.

use super::elf::Elf;
use addr2line::Context;
use gimli::{Dwarf, EndianSlice, RunTimeEndian, Section, SectionId};
use object::read::{File, Object, ObjectSection};
use std::borrow::Cow;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

pub type Bytes = EndianSlice<'static, RunTimeEndian>;

/// A split unit's file is read as a whole.
const SPLIT_BYTES_MAX: u64 = 1 << 30;

/// What was unpacked or read for a file: it lives as long as what refers to it.
#[derive(Default)]
pub struct Kept {
    blocks: Vec<Box<[u8]>>,
}

impl Kept {
    /// # Safety
    /// The slice must not be used when this is gone.
    unsafe fn keep(&mut self, bytes: Box<[u8]>) -> &'static [u8] {
        let kept: &'static [u8] = std::slice::from_raw_parts(bytes.as_ptr(), bytes.len());
        self.blocks.push(bytes);
        kept
    }
}

fn endian(file: &File<'static>) -> RunTimeEndian {
    if file.is_little_endian() {
        RunTimeEndian::Little
    } else {
        RunTimeEndian::Big
    }
}

/// A section's bytes, unpacked; empty where it is not there.
unsafe fn section(file: &File<'static>, name: &str, kept: &mut Kept) -> Bytes {
    let data = file.section_by_name(name).and_then(|section| section.uncompressed_data().ok());
    let bytes = match data {
        Some(Cow::Borrowed(bytes)) => bytes,
        Some(Cow::Owned(bytes)) => kept.keep(bytes.into_boxed_slice()),
        None => &[],
    };
    EndianSlice::new(bytes, endian(file))
}

/// All DWARF sections of a file; split: those of a .dwo file.
unsafe fn load(file: &File<'static>, is_split: bool, kept: &mut Kept) -> Dwarf<Bytes> {
    let empty = EndianSlice::new(&[][..], endian(file));
    let loaded = Dwarf::load(|id: SectionId| -> Result<Bytes, gimli::Error> {
        let name = if is_split { id.dwo_name() } else { Some(id.name()) };
        Ok(name.map_or(empty, |name| section(file, name, kept)))
    });
    loaded.unwrap_or_else(|_| unreachable!("the loader never fails"))
}

/// The context of a file. None: it has no units.
///
/// # Safety
/// Both files and `kept` must outlive it.
pub unsafe fn open(elf: &Elf, alternate: Option<&Elf>, kept: &mut Kept) -> Option<Context<Bytes>> {
    let mut dwarf = load(&elf.file, false, kept);
    dwarf.debug_info.units().next().ok()??;
    if let Some(alternate) = alternate {
        dwarf.set_sup(load(&alternate.file, false, kept));
    }
    if dwarf.debug_info.reader().is_empty() {
        return None;
    }
    Context::from_dwarf(dwarf).ok()
}

/// Reads the file of a split unit.
///
/// # Safety
/// `kept` must outlive it.
pub unsafe fn open_split(load_split: &addr2line::SplitDwarfLoad<Bytes>, kept: &mut Kept) -> Option<Arc<Dwarf<Bytes>>> {
    let named = Path::new(std::ffi::OsStr::from_bytes(load_split.path?.slice()));
    let folder = load_split.comp_dir.map_or(&b""[..], |folder| folder.slice());
    let path = Path::new(std::ffi::OsStr::from_bytes(folder)).join(named);
    let status = fs::metadata(&path).ok()?;
    if !status.is_file() || status.len() > SPLIT_BYTES_MAX {
        return None;
    }
    let bytes = kept.keep(fs::read(&path).ok()?.into_boxed_slice());
    let file = File::parse(bytes).ok()?;
    let mut dwarf = load(&file, true, kept);
    dwarf.make_dwo(&load_split.parent);
    // The names of files belong to the line table, which stays in the parent.
    dwarf.debug_line_str = load_split.parent.debug_line_str;
    Some(Arc::new(dwarf))
}
