// SPDX-License-Identifier: Apache-2.0
//! Mangled names, and what xz has packed.

use super::elf::{ERR_FORMAT, ERR_LIMIT};
use cpp_demangle::{BorrowedSymbol, DemangleOptions, ParseOptions};
use std::ffi::{c_int, c_void};
use std::fmt;
use std::io;
use std::slice;

type TextSink = unsafe extern "C" fn(*mut c_void, *const u8, usize);

/// How deep C++ names may nest: names of 8 KiB need no more, and a stack of a few MiB bears it.
const RECURSION_MAX: u32 = 512;

/// Text, or bytes, up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
    over: bool,
}

impl Bounded {
    fn new(max: usize) -> Bounded {
        Bounded { bytes: Vec::new(), max, over: false }
    }

    fn add(&mut self, bytes: &[u8]) -> bool {
        self.over = self.over || bytes.len() > self.max - self.bytes.len();
        if !self.over {
            self.bytes.extend_from_slice(bytes);
        }
        !self.over
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes()).then_some(()).ok_or(fmt::Error)
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes).then_some(bytes.len()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Rust's old names end with a hash of 16 digits; without it `_ZN…E` is C++.
fn has_rust_hash(name: &str) -> bool {
    name.match_indices("17h").any(|(at, _)| {
        let rest = &name.as_bytes()[at + 3..];
        rest.len() > 16 && rest[..16].iter().all(u8::is_ascii_hexdigit) && rest[16] == b'E'
    })
}

fn rust(name: &str, max: usize) -> Option<Vec<u8>> {
    if !name.starts_with("_R") && !has_rust_hash(name) {
        return None;
    }
    let readable = rustc_demangle::try_demangle(name).ok()?;
    let mut text = Bounded::new(max);
    fmt::write(&mut text, format_args!("{readable:#}")).ok()?;
    // A suffix of the compiler's, ".llvm.1234", says nothing.
    let end = text.bytes.windows(6).position(|part| part == b".llvm.").unwrap_or(text.bytes.len());
    text.bytes.truncate(end);
    Some(text.bytes)
}

fn cpp(name: &str, max: usize) -> Option<Vec<u8>> {
    let options = ParseOptions::default().recursion_limit(RECURSION_MAX);
    let (symbol, tail) = BorrowedSymbol::with_tail_and_options(name.as_bytes(), &options).ok()?;
    if !tail.is_empty() && tail[0] != b'.' {
        return None;
    }
    let mut text = Bounded::new(max);
    let options = DemangleOptions::new().recursion_limit(RECURSION_MAX);
    symbol.structured_demangle(&mut text, &options).ok()?;
    Some(text.bytes)
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_demangle(mangled: *const u8, n: usize, max: usize, sink: TextSink, context: *mut c_void) -> bool {
    let Ok(name) = std::str::from_utf8(slice::from_raw_parts(mangled, n)) else { return false };
    let Some(text) = rust(name, max).or_else(|| cpp(name, max)) else { return false };
    sink(context, text.as_ptr(), text.len());
    true
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_unpack(packed: *const u8, n: usize, max: usize, sink: TextSink, context: *mut c_void) -> c_int {
    let mut packed = slice::from_raw_parts(packed, n);
    let mut bytes = Bounded::new(max);
    if lzma_rs::xz_decompress(&mut packed, &mut bytes).is_err() {
        return if bytes.over { ERR_LIMIT } else { ERR_FORMAT };
    }
    sink(context, bytes.bytes.as_ptr(), bytes.bytes.len());
    0
}
