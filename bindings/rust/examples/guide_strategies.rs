// SPDX-License-Identifier: Apache-2.0
//! The guide's custom strategy.

use memscope_rs::unified::strategies::{StrategyFactory, StrategyPerformance};

fn main() {
    let mut factory = StrategyFactory::new();

    let performance = StrategyPerformance {
        avg_overhead_percent: 2.1,
        avg_init_time_us: 150.0,
        success_rate: 0.98,
        satisfaction_score: 0.92,
        session_count: 1,
    };

    let nothing: () = factory.record_performance("custom_strategy", performance.clone());
    assert_eq!(nothing, ());
    assert_eq!(factory.performance("custom_strategy"), Some(performance.clone()));
    assert_eq!(factory.history(), [("custom_strategy".to_string(), performance)]);
    println!("{:?}", factory.strategies());
}
