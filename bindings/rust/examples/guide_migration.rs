// SPDX-License-Identifier: Apache-2.0
//! The guide's migration: the old tracker beside the new backend.

#![allow(unused_imports)]

use memscope_rs::core::{quick_start, MemoryTracker};
use memscope_rs::unified::{unified_quick_start, UnifiedBackend};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tracker = MemoryTracker::new()?;
    let kept = vec![7u8; 100_000];
    let totals = tracker.statistics()?;
    assert!(totals.live_bytes >= 100_000, "{totals:?}");
    drop(tracker);
    drop(kept);

    let backend = unified_quick_start()?;
    println!("{} bytes before, {:?} now", totals.live_bytes, backend.strategy());
    Ok(())
}
