// SPDX-License-Identifier: Apache-2.0
//! ELF files, debug information and mangled names for the C code: the other side of src/symbol/crates.h.
//!
//! The C code calls this in the helper process that resolves symbols, which has limits of its own: files may be
//! hostile, and a panic ends no more than the helper. Pointers follow the rules that the header states.

mod debug;
mod elf;
mod frames;
mod text;
