// SPDX-License-Identifier: Apache-2.0
//! A strategy chosen by hand, with a rate and a budget: the guide's manual selection.

use memscope_rs::unified::{BackendConfig, TrackingStrategy, UnifiedBackend};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = BackendConfig {
        auto_detect: false,
        force_strategy: Some(TrackingStrategy::AsyncOptimized),
        sample_rate: 0.8,
        max_overhead_percent: 3.0,
    };

    let backend = UnifiedBackend::initialize(config)?;
    assert_eq!(backend.strategy(), TrackingStrategy::AsyncOptimized);
    let session = backend.start_tracking()?;
    let kept: Vec<Vec<u8>> = (0..5000).map(|i| vec![0; 16 + i % 64]).collect();
    let totals = session.end_session()?.statistics;
    // Numbers and bytes of allocations are exact at any rate.
    assert!(totals.allocations >= 5000, "{totals:?}");
    assert!(totals.sample_rate <= 1.0);
    println!("{} blocks, {} allocations counted, rate {}", kept.len(), totals.allocations, totals.sample_rate);
    Ok(())
}
