// SPDX-License-Identifier: Apache-2.0
//! A heap profiler inside the program: every allocation with its call stack, thread and async task.
//!
//! Linking this crate puts memscope's hooks in front of the C heap, which Rust's default allocator uses, too. They
//! record nothing, and cost a few instructions a call, until [`unified::UnifiedBackend::start_tracking`].
//!
//! ```no_run
//! use memscope_rs::unified::unified_quick_start;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let backend = unified_quick_start()?;
//!     let session = backend.start_tracking()?;
//!     let data: Vec<u64> = (0..1000).collect();
//!     let analysis = backend.collect_data()?;
//!     println!("{}: {} bytes live of {}", session.session_id(), analysis.statistics.live_bytes, data.len());
//!     analysis.export("html", "heap.html")?;
//!     Ok(())
//! }
//! ```
//!
//! The same program needs no change at all to be recorded from outside: `memscope run ./program`; what it starts
//! itself then joins that recording. The crate uses `std` alone at run time. A program with another
//! `#[global_allocator]` allocates past the C heap; `start_tracking` then says so.

#![warn(missing_docs)]

pub mod core;
mod error;
mod ffi;
pub mod marks;
pub mod tasks;
pub mod unified;

pub use error::{Error, ErrorKind, Result};
