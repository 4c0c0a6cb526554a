// SPDX-License-Identifier: Apache-2.0
//! A backend, its configuration, a session, and the data: the guide's core types.

use memscope_rs::unified::{BackendConfig, TrackingStrategy, UnifiedBackend};

/// Exactly four fields: a literal without `..` compiles, and each has the type that the guide gives.
fn fields(config: &BackendConfig) -> (bool, Option<TrackingStrategy>, f64, f64) {
    (config.auto_detect, config.force_strategy, config.sample_rate, config.max_overhead_percent)
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
    let config = BackendConfig { auto_detect: true, force_strategy: None, sample_rate: 1.0, max_overhead_percent: 5.0 };
    assert_eq!(fields(&config), (true, None, 1.0, 5.0));

    let backend = UnifiedBackend::initialize(config)?;

    let session = backend.start_tracking()?;
    println!("Session ID: {}", session.session_id());
    let kept: Vec<Box<[u8; 1000]>> = (0..100).map(|_| Box::new([1; 1000])).collect();

    let analysis_data = backend.collect_data()?;
    assert!(session.session_id().starts_with("session_"));
    assert!(analysis_data.statistics.live_bytes >= 100_000, "{:?}", analysis_data.statistics);
    assert!(!analysis_data.raw_data.is_empty());
    drop(backend);
    // Owned: the session may outlive its backend.
    println!("{} {:?} {}", session.session_id(), session.state(), kept.len());
    Ok(())
}
