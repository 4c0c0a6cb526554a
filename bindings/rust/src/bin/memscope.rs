// SPDX-License-Identifier: Apache-2.0
//! The `memscope` command as `cargo install` brings it: one file that carries the C command and its library.
//!
//! Cargo installs nothing but executables, and the library must be a file that the loader of other programs
//! can open. So both are written to the user's cache once per version, and the command is executed there.

use std::fs;
use std::io::{Error, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

static EXE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/memscope"));
static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libmemscope.so"));

/// FNV-1a, 64 bits (Fowler, Noll, Vo): names the folder, so that versions do not meet.
fn sum(parts: [&[u8]; 2]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.iter())
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn cache() -> Result<PathBuf, Error> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named.filter(|path| path.is_absolute()).or_else(home).ok_or_else(|| Error::other("neither XDG_CACHE_HOME nor HOME is set"))
}

/// Writes a file unless it is there as it should be; a reader never sees half of it.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let part = path.with_extension(format!("part{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&part)?;
    file.write_all(bytes).and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

fn unpack() -> Result<PathBuf, Error> {
    let folder = cache()?.join("memscope").join(format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), sum([EXE, LIBRARY])));
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
    put(&folder.join("libmemscope.so"), LIBRARY)?;
    put(&folder.join("memscope"), EXE)?;
    Ok(folder.join("memscope"))
}

fn main() -> ExitCode {
    if EXE.is_empty() {
        eprintln!("memscope: was built without elfutils, zstd and zlib; see the crate's README");
        return ExitCode::from(125);
    }
    let error = match unpack() {
        Ok(exe) => Command::new(exe).arg0("memscope").args(std::env::args_os().skip(1)).exec(),
        Err(error) => error,
    };
    eprintln!("memscope: cannot be unpacked into the user's cache and run there: {error}");
    ExitCode::from(125)
}
