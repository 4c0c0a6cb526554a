// SPDX-License-Identifier: Apache-2.0
//! The executable's copy beside its library, in the user's cache.

use std::fs;
use std::io::{Error, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libmemscope.so"));

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn cache() -> Result<PathBuf, Error> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named.filter(|path| path.is_absolute()).or_else(home).ok_or_else(|| Error::other("neither XDG_CACHE_HOME nor HOME is set"))
}

/// Writes a file; a reader never sees half of it.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = path.with_extension(format!("part{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&part)?;
    file.write_all(bytes).and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

fn is_there(path: &Path, bytes_n: u64) -> bool {
    fs::metadata(path).is_ok_and(|status| status.is_file() && status.len() == bytes_n)
}

/// Puts what is missing into the cache. The folder's name holds when this executable was made: versions do not meet.
fn unpack(own: &Path) -> Result<PathBuf, Error> {
    let status = fs::metadata(own)?;
    let made = format!("{}.{}.{}", status.len(), status.mtime(), status.mtime_nsec());
    let name = format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), sum(made.as_bytes()));
    let folder = cache()?.join("memscope").join(name);
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
    let library = folder.join("libmemscope.so");
    if !is_there(&library, LIBRARY.len() as u64) {
        put(&library, LIBRARY)?;
    }
    let exe = folder.join("memscope");
    if !is_there(&exe, status.len()) {
        put(&exe, &fs::read(own)?)?;
    }
    Ok(exe)
}

/// Returns when this is the copy beside the library; else runs that. Ends the process where it cannot.
pub fn settle() {
    let own = std::env::current_exe();
    let beside = own.as_ref().ok().and_then(|own| own.parent()).map(|folder| folder.join("libmemscope.so"));
    if beside.is_some_and(|library| is_there(&library, LIBRARY.len() as u64)) {
        return;
    }
    let error = match own.and_then(|own| unpack(&own)) {
        Ok(exe) => Command::new(exe).arg0("memscope").args(std::env::args_os().skip(1)).exec(),
        Err(error) => error,
    };
    eprintln!("memscope: cannot be unpacked into the user's cache and run there: {error}");
    std::process::exit(125);
}
