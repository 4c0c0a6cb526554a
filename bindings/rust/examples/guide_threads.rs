// SPDX-License-Identifier: Apache-2.0
//! The guide's multi-threaded integration.

#![allow(unused_mut, unused_variables)]

use memscope_rs::unified::{BackendConfig, TrackingStrategy, UnifiedBackend};
use std::thread;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = BackendConfig {
        auto_detect: false,
        force_strategy: Some(TrackingStrategy::ThreadLocal),
        sample_rate: 1.0,
        max_overhead_percent: 5.0,
    };

    let mut backend = UnifiedBackend::initialize(config)?;
    let session = backend.start_tracking()?;

    let handles: Vec<_> = (0..4)
        .map(|i| {
            thread::spawn(move || {
                let data = vec![i; 1024];
                data.into_iter().sum::<usize>()
            })
        })
        .collect();

    let results: Vec<_> = handles.into_iter().map(|h| h.join().unwrap()).collect();

    println!("Thread results: {:?}", results);
    assert_eq!(results, [0, 1024, 2048, 3072]);

    let analysis = backend.collect_data()?;
    println!("Analysis completed: {} bytes", analysis.raw_data.len());
    // Each thread's vector is 8 * 1024 bytes, its own, and freed.
    assert!(analysis.statistics.allocated_bytes >= 4 * 8192, "{:?}", analysis.statistics);
    assert!(analysis.statistics.freed_bytes >= 4 * 8192, "{:?}", analysis.statistics);
    assert!(analysis.threads().count() >= 5);
    Ok(())
}
