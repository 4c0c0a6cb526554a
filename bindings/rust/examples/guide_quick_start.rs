// SPDX-License-Identifier: Apache-2.0
//! The guide's basic integration.

// The guide's programs say `mut` where it is not needed.
#![allow(unused_mut, clippy::useless_vec)]

use memscope_rs::unified::{test_unified_system, unified_quick_start};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut backend = unified_quick_start()?;

    let session = backend.start_tracking()?;

    let data = vec![1, 2, 3, 4, 5];
    let processed = data.iter().map(|x| x * 2).collect::<Vec<_>>();

    let analysis = backend.collect_data()?;
    println!("Tracked {} bytes", analysis.raw_data.len());
    assert!(analysis.statistics.live_bytes >= 40, "{:?}", analysis.statistics);
    println!("{processed:?} in {}", session.session_id());
    drop(session);
    drop(backend);

    test_unified_system()?;
    Ok(())
}
