// SPDX-License-Identifier: Apache-2.0
//! One ELF file: its sections, its build-id, its symbol tables.

use object::read::{File, Object, ObjectSection, ObjectSymbol};
use object::{CompressionFormat, SectionFlags, SymbolFlags, SymbolSection};
use std::ffi::{c_char, c_int, c_void};
use std::slice;

/// Numbers of src/base/diag.h.
pub const ERR_FORMAT: c_int = -4;
pub const ERR_LIMIT: c_int = -5;

const SECTIONS_MAX: usize = 1 << 20;
const SHF_EXECINSTR: u64 = 4;

pub struct Elf {
    pub bytes: &'static [u8],
    pub file: File<'static>,
}

/// `struct names_symbol`.
#[repr(C)]
pub struct Symbol {
    name: *const c_char,
    value: u64,
    bytes: u64,
    section_end: u64,
    info: u8,
}

type SymbolSink = unsafe extern "C" fn(*mut c_void, *const Symbol) -> c_int;

fn check(file: &File<'static>, unpacked_max: u64) -> c_int {
    for (i, section) in file.sections().enumerate() {
        let Ok(range) = section.compressed_file_range() else { return ERR_FORMAT };
        if i > SECTIONS_MAX || (range.format != CompressionFormat::None && range.uncompressed_size > unpacked_max) {
            return ERR_LIMIT;
        }
    }
    0
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_elf_open(bytes: *const u8, n: usize, unpacked_max: u64, ret_elf: *mut *mut Elf) -> c_int {
    let bytes: &'static [u8] = slice::from_raw_parts(bytes, n);
    if !bytes.starts_with(b"\x7fELF") {
        return ERR_FORMAT;
    }
    let Ok(file) = File::parse(bytes) else { return ERR_FORMAT };
    let err = check(&file, unpacked_max);
    if err == 0 {
        *ret_elf = Box::into_raw(Box::new(Elf { bytes, file }));
    }
    err
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_elf_free(elf: *mut Elf) {
    if !elf.is_null() {
        drop(Box::from_raw(elf));
    }
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_elf_build_id(elf: *const Elf, ret_build_id: *mut u8, max: usize) -> usize {
    match (*elf).file.build_id() {
        Ok(Some(id)) if id.len() <= max => {
            std::ptr::copy_nonoverlapping(id.as_ptr(), ret_build_id, id.len());
            id.len()
        }
        _ => 0,
    }
}

/// # Safety
/// As src/symbol/crates.h has it; without a name it is the whole file.
#[no_mangle]
pub unsafe extern "C" fn crates_elf_section(elf: *const Elf, name: *const u8, name_n: usize, ret_n: *mut usize) -> *const u8 {
    let elf = &*elf;
    let found = if name.is_null() {
        Some(elf.bytes)
    } else {
        let name = slice::from_raw_parts(name, name_n);
        let section = elf.file.sections().find(|section| section.name_bytes().is_ok_and(|found| found == name));
        section.and_then(|section| {
            let (offset, n) = section.file_range()?;
            let start = usize::try_from(offset).ok()?;
            elf.bytes.get(start..start.checked_add(usize::try_from(n).ok()?)?)
        })
    };
    match found {
        Some(bytes) if !bytes.is_empty() => {
            *ret_n = bytes.len();
            bytes.as_ptr()
        }
        _ => std::ptr::null(),
    }
}

/// The end of the code section that holds the symbol, 0: none does.
fn section_end(file: &File<'static>, section: SymbolSection, value: u64) -> u64 {
    let SymbolSection::Section(index) = section else { return 0 };
    let Ok(section) = file.section_by_index(index) else { return 0 };
    let SectionFlags::Elf { sh_flags } = section.flags() else { return 0 };
    match section.address().checked_add(section.size()) {
        Some(end) if sh_flags & SHF_EXECINSTR != 0 && value >= section.address() && value < end => end,
        _ => 0,
    }
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_elf_symbols(elf: *const Elf, is_dynamic: bool, sink: SymbolSink, context: *mut c_void) -> c_int {
    let file = &(*elf).file;
    for symbol in if is_dynamic { file.dynamic_symbols() } else { file.symbols() } {
        let SymbolFlags::Elf { st_info, .. } = symbol.flags() else { continue };
        // The name lies in its table, which ends each with 0.
        let Ok(name) = symbol.name_bytes() else { continue };
        let symbol = Symbol {
            name: name.as_ptr().cast(),
            value: symbol.address(),
            bytes: symbol.size(),
            section_end: section_end(file, symbol.section(), symbol.address()),
            info: st_info,
        };
        let err = sink(context, &symbol);
        if err != 0 {
            return err;
        }
    }
    0
}
