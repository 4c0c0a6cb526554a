// SPDX-License-Identifier: Apache-2.0
//! Marks on the time line, named scopes, and regions that are not recorded.
//!
//! All of them write into the recording that is under way, whoever started it, and do nothing without one.

use crate::ffi;
use std::ffi::CString;
use std::marker::PhantomData;

/// The C string of a text, cut at its first zero byte.
pub(crate) fn c_text(text: &str) -> CString {
    let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Sets a mark: the beginning of a generation of allocations, "after warm-up".
pub fn mark(text: &str) {
    unsafe { ffi::memscope_mark(c_text(text).as_ptr()) };
}

/// What this thread allocates while it lives counts for the scope. Belongs to its thread.
#[derive(Debug)]
#[must_use = "the scope ends when it is dropped"]
pub struct Scope(PhantomData<*const ()>);

/// Enters a named scope.
pub fn scope(name: &str) -> Scope {
    unsafe { ffi::memscope_scope_enter(c_text(name).as_ptr()) };
    Scope(PhantomData)
}

impl Drop for Scope {
    fn drop(&mut self) {
        unsafe { ffi::memscope_scope_leave() };
    }
}

/// What this thread allocates while it lives is not recorded. Belongs to its thread.
#[derive(Debug)]
#[must_use = "the region ends when it is dropped"]
pub struct Ignored(PhantomData<*const ()>);

/// Begins a region that is not recorded; frees of recorded blocks in it still are.
pub fn ignore() -> Ignored {
    unsafe { ffi::memscope_ignore_begin() };
    Ignored(PhantomData)
}

impl Drop for Ignored {
    fn drop(&mut self) {
        unsafe { ffi::memscope_ignore_end() };
    }
}
