// SPDX-License-Identifier: Apache-2.0
//! What can go wrong, as one type.

use crate::ffi;
use std::ffi::c_int;
use std::fmt;

/// The kinds of failure; the numbers of `enum memscope_status` in the C header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is out of its range.
    Invalid,
    /// The program's allocations do not pass the hooks.
    NotHooked,
    /// A recording with another strategy or rate is under way.
    Busy,
    /// The `memscope` executable is missing or does not start.
    NoCollector,
    /// The system refuses it.
    Denied,
    /// The collector was killed.
    CollectorLost,
    /// There was no answer in time.
    Timeout,
    /// There is no memory.
    Memory,
    /// A file cannot be read or written.
    Io,
    /// The session has ended, or was inherited through fork.
    Ended,
    /// Nothing is recorded yet.
    NotTracking,
    /// There is no such export format.
    Format,
    /// There is no entry with that name or number.
    NotFound,
    /// A table is full.
    Limit,
    /// This build cannot do it.
    Unsupported,
    /// Something else; the text tells.
    Other,
}

/// A failure: its kind and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    text: String,
}

/// The crate's results.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into() }
    }

    pub(crate) fn from_c(status: c_int, error: &ffi::Error) -> Error {
        let text = if error.code == status { ffi::text(&error.text) } else { String::new() };
        let text = if text.is_empty() { ffi::string(unsafe { ffi::memscope_status_text(status) }) } else { text };
        Error { kind: kind_of(status), text }
    }
}

fn kind_of(status: c_int) -> ErrorKind {
    match status {
        -1 => ErrorKind::Invalid,
        -2 => ErrorKind::NotHooked,
        -3 => ErrorKind::Busy,
        -4 => ErrorKind::NoCollector,
        -5 => ErrorKind::Denied,
        -6 => ErrorKind::CollectorLost,
        -7 => ErrorKind::Timeout,
        -8 => ErrorKind::Memory,
        -9 => ErrorKind::Io,
        -10 => ErrorKind::Ended,
        -11 => ErrorKind::NotTracking,
        -12 => ErrorKind::Format,
        -13 => ErrorKind::NotFound,
        -14 => ErrorKind::Limit,
        -16 => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// Runs a C function that takes a place for its error.
pub(crate) fn check(call: impl FnOnce(*mut ffi::Error) -> c_int) -> Result<()> {
    let mut error = ffi::Error { code: 0, text: [0; 252] };
    match call(&mut error) {
        status if status >= 0 => Ok(()),
        status => Err(Error::from_c(status, &error)),
    }
}
