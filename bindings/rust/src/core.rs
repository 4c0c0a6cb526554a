// SPDX-License-Identifier: Apache-2.0
//! The simple tracker of old. New programs use [`crate::unified`].

use crate::error::{check, Error, ErrorKind, Result};
use crate::ffi;
use crate::unified::{MemoryAnalysis, Statistics};
use std::ptr::{null_mut, NonNull};

/// Records from its making on; ends when it is dropped.
#[derive(Debug)]
pub struct MemoryTracker {
    raw: NonNull<ffi::Tracker>,
}

unsafe impl Send for MemoryTracker {}
unsafe impl Sync for MemoryTracker {}

impl MemoryTracker {
    /// Starts recording with the legacy strategy, or as the process is already recorded.
    ///
    /// # Errors
    /// As [`crate::unified::UnifiedBackend::start_tracking`].
    pub fn new() -> Result<MemoryTracker> {
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_tracker_new(&mut raw, error) })?;
        NonNull::new(raw).map(|raw| MemoryTracker { raw }).ok_or_else(|| Error::new(ErrorKind::Other, "the library gave no tracker"))
    }

    /// Totals since it was made.
    ///
    /// # Errors
    /// When the collector is gone.
    pub fn statistics(&self) -> Result<Statistics> {
        let mut statistics = ffi::Statistics::default();
        check(|error| unsafe { ffi::memscope_tracker_statistics(self.raw.as_ptr(), &mut statistics, error) })?;
        Ok(Statistics::from_c(&statistics))
    }

    /// Everything since it was made.
    ///
    /// # Errors
    /// When the collector is gone.
    pub fn collect_data(&self) -> Result<MemoryAnalysis> {
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_tracker_collect(self.raw.as_ptr(), &mut raw, error) })?;
        MemoryAnalysis::from_raw(raw)
    }
}

impl Drop for MemoryTracker {
    fn drop(&mut self) {
        unsafe { ffi::memscope_tracker_free(self.raw.as_ptr()) };
    }
}

/// A tracker that records from here on.
///
/// # Errors
/// As [`MemoryTracker::new`].
pub fn quick_start() -> Result<MemoryTracker> {
    MemoryTracker::new()
}
