// SPDX-License-Identifier: Apache-2.0
//! The functions at an address: the one that stands there, and those that it was inlined into.

use super::debug::{open, open_split, Bytes, Kept};
use super::elf::{Elf, ERR_FORMAT};
use addr2line::{Context, LookupContinuation, LookupResult};
use std::collections::HashMap;
use std::ffi::{c_char, c_int, CString};
use std::ptr;

/// `struct crates_frame`.
#[repr(C)]
pub struct Frame {
    name: *const c_char,
    file: *const c_char,
    line: u32,
    is_last: u32,
}

/// Strings that end with 0, one of each.
#[derive(Default)]
struct Strings {
    known: HashMap<Vec<u8>, CString>,
}

impl Strings {
    fn keep(&mut self, bytes: &[u8]) -> *const c_char {
        if let Some(known) = self.known.get(bytes) {
            return known.as_ptr();
        }
        let Ok(string) = CString::new(bytes) else { return ptr::null() };
        let at = string.as_ptr();
        self.known.insert(bytes.to_vec(), string);
        at
    }
}

/// Fields are dropped in their order: what refers to bytes before the bytes.
pub struct Debug {
    context: Context<Bytes>,
    strings: Strings,
    kept: Kept,
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_debug_open(elf: *const Elf, alternate: *const Elf, ret_debug: *mut *mut Debug) -> c_int {
    let mut kept = Kept::default();
    let Some(context) = open(&*elf, alternate.as_ref(), &mut kept) else { return ERR_FORMAT };
    *ret_debug = Box::into_raw(Box::new(Debug { context, strings: Strings::default(), kept }));
    0
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_debug_free(debug: *mut Debug) {
    if !debug.is_null() {
        drop(Box::from_raw(debug));
    }
}

/// Carries a lookup on through the files of split units.
unsafe fn finish<L: LookupContinuation<Buf = Bytes>>(mut result: LookupResult<L>, kept: &mut Kept) -> L::Output {
    loop {
        match result {
            LookupResult::Output(output) => return output,
            LookupResult::Load { load, continuation } => result = continuation.resume(open_split(&load, kept)),
        }
    }
}

/// # Safety
/// As src/symbol/crates.h has it.
#[no_mangle]
pub unsafe extern "C" fn crates_debug_frames(debug: *mut Debug, address: u64, frames: *mut Frame, max: usize) -> usize {
    let debug = &mut *debug;
    let Ok(mut found) = finish(debug.context.find_frames(address), &mut debug.kept) else { return 0 };
    let mut n = 0;
    while let Ok(Some(frame)) = found.next() {
        let name = frame.function.map_or(ptr::null(), |function| debug.strings.keep(function.name.slice()));
        let location = frame.location.unwrap_or(addr2line::Location { file: None, line: None, column: None });
        let file = location.file.map_or(ptr::null(), |file| debug.strings.keep(file.as_bytes()));
        // Past the limit the last one, which is the function around them, takes the place of those before.
        n = (n + 1).min(max);
        *frames.add(n - 1) = Frame { name, file, line: location.line.unwrap_or(0), is_last: 0 };
    }
    if n > 0 {
        (*frames.add(n - 1)).is_last = 1;
    }
    n
}
