// SPDX-License-Identifier: Apache-2.0
//! The guide's async integration: tasks on Tokio.

#![allow(unused_mut, clippy::single_component_path_imports)]

use memscope_rs::unified::{BackendConfig, TrackingStrategy, UnifiedBackend};
use tokio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = BackendConfig {
        auto_detect: false,
        force_strategy: Some(TrackingStrategy::AsyncOptimized),
        sample_rate: 1.0,
        max_overhead_percent: 5.0,
    };

    let mut backend = UnifiedBackend::initialize(config)?;
    let session = backend.start_tracking()?;

    let tasks = (0..10).map(|i| {
        tokio::spawn(async move {
            let data = vec![0; 1024 * i];
            tokio::time::sleep(tokio::time::Duration::from_millis(10)).await;
            data.len()
        })
    });

    let results = futures::future::try_join_all(tasks).await?;
    println!("Completed {} tasks", results.len());

    let analysis = backend.collect_data()?;
    println!("Analysis: {} bytes collected", analysis.raw_data.len());
    // 10 tasks of i32: 4 * 1024 * (1 + ... + 9) bytes, all of them inside of tasks.
    let in_tasks: u64 = analysis.tasks().map(|task| task.allocated_bytes).sum();
    println!("{} tasks, {in_tasks} bytes in them, {}", analysis.tasks().count(), session.session_id());
    assert!(in_tasks >= 4 * 1024 * 45, "{in_tasks}");
    Ok(())
}
