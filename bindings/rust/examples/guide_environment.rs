// SPDX-License-Identifier: Apache-2.0
//! What kind of program this is: the guide's detection, with and without its reasons.

use memscope_rs::unified::{detect_environment, detect_environment_detailed, DetectionConfig, RuntimeEnvironment};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let environment = detect_environment()?;
    // Four arms and no wildcard: the enum has no others and is not #[non_exhaustive].
    match environment {
        RuntimeEnvironment::SingleThreaded => println!("Single-threaded environment"),
        RuntimeEnvironment::MultiThreaded => println!("Multi-threaded environment"),
        RuntimeEnvironment::AsyncRuntime(_) => println!("Async runtime detected"),
        RuntimeEnvironment::Hybrid => println!("Hybrid environment"),
    }

    let config = DetectionConfig { deep_analysis: true, confidence_threshold: 0.8, timeout_ms: 5000 };
    let analysis = detect_environment_detailed(config)?;
    println!("Confidence: {:.2}", analysis.confidence);
    println!("Recommended strategy: {:?}", analysis.recommended_strategy);
    assert!((0.0..=1.0).contains(&analysis.confidence));
    assert!(!analysis.evidence.is_empty());
    Ok(())
}
