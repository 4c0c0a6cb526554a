// SPDX-License-Identifier: Apache-2.0
//! What kind of program this process is.

use super::TrackingStrategy;
use crate::error::{check, Result};
use crate::ffi;
use std::mem::MaybeUninit;

/// The program's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeEnvironment {
    /// One thread, no async runtime.
    SingleThreaded,
    /// Several threads, no async runtime.
    MultiThreaded,
    /// An async runtime does the work.
    AsyncRuntime(AsyncRuntime),
    /// An async runtime, and threads of the program's own.
    Hybrid,
}

/// Which async runtime it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncRuntime {
    /// "tokio", "async-std", ...; empty when it is not known by name.
    pub name: String,
    /// Its version; empty when unknown.
    pub version: String,
}

/// How detection goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectionConfig {
    /// Look into symbols and constants too, not only at what the loader sees and at the threads that run.
    pub deep_analysis: bool,
    /// Below this confidence, 0.0 to 1.0, the hybrid strategy is recommended.
    pub confidence_threshold: f64,
    /// Past it, in milliseconds, what was found so far is judged.
    pub timeout_ms: u64,
}

impl Default for DetectionConfig {
    fn default() -> Self {
        DetectionConfig { deep_analysis: true, confidence_threshold: 0.8, timeout_ms: 5000 }
    }
}

/// One thing that speaks for an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// A sentence without full stop.
    pub text: String,
    /// How far it alone carries, 0.0 to 1.0.
    pub weight: f64,
    /// Seen running, not merely linked.
    pub is_running: bool,
}

/// What detection found.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentAnalysis {
    /// The most likely environment.
    pub environment: RuntimeEnvironment,
    /// Probability that it is the true one.
    pub confidence: f64,
    /// The strategy that fits.
    pub recommended_strategy: TrackingStrategy,
    /// Each environment with its probability, the likeliest first.
    pub alternatives: Vec<(RuntimeEnvironment, f64)>,
    /// What led to it.
    pub evidence: Vec<Evidence>,
    /// False when the time ran out.
    pub is_complete: bool,
}

impl RuntimeEnvironment {
    pub(super) fn from_c(kind: i32, environment: &ffi::Environment) -> RuntimeEnvironment {
        match kind {
            0 => RuntimeEnvironment::SingleThreaded,
            1 => RuntimeEnvironment::MultiThreaded,
            2 => RuntimeEnvironment::AsyncRuntime(AsyncRuntime {
                name: ffi::text(&environment.runtime),
                version: ffi::text(&environment.runtime_version),
            }),
            _ => RuntimeEnvironment::Hybrid,
        }
    }
}

/// What kind of program this process is, with the default configuration.
///
/// # Errors
/// When the collector cannot be started or does not answer.
pub fn detect_environment() -> Result<RuntimeEnvironment> {
    let mut environment = MaybeUninit::<ffi::Environment>::zeroed();
    check(|error| unsafe { ffi::memscope_detect_environment(environment.as_mut_ptr(), error) })?;
    let environment = unsafe { environment.assume_init() };
    Ok(RuntimeEnvironment::from_c(environment.kind, &environment))
}

/// The same with everything that led to it.
///
/// # Errors
/// As [`detect_environment`], and for a configuration out of its range.
pub fn detect_environment_detailed(config: DetectionConfig) -> Result<EnvironmentAnalysis> {
    Ok(EnvironmentAnalysis::from_c(&detect(&config)?))
}

pub(super) fn detect(config: &DetectionConfig) -> Result<ffi::Detection> {
    let config = ffi::DetectionConfig {
        deep_analysis: config.deep_analysis.into(),
        confidence_threshold: config.confidence_threshold,
        timeout_ms: config.timeout_ms,
    };
    let mut detection = MaybeUninit::<ffi::Detection>::zeroed();
    check(|error| unsafe { ffi::memscope_detect_environment_detailed(&config, detection.as_mut_ptr(), error) })?;
    Ok(unsafe { detection.assume_init() })
}

impl EnvironmentAnalysis {
    fn from_c(detection: &ffi::Detection) -> EnvironmentAnalysis {
        let environment = |kind: i32| RuntimeEnvironment::from_c(kind, &detection.environment);
        let mut alternatives: Vec<_> = detection.alternatives.iter().enumerate().map(|(kind, p)| (environment(kind as i32), *p)).collect();
        alternatives.sort_by(|a, b| b.1.total_cmp(&a.1));
        let evidence = detection.evidence[..(detection.evidence_n as usize).min(detection.evidence.len())]
            .iter()
            .map(|e| Evidence { text: ffi::text(&e.text), weight: e.weight, is_running: e.is_running != 0 })
            .collect();
        EnvironmentAnalysis {
            environment: environment(detection.environment.kind),
            confidence: detection.confidence,
            recommended_strategy: TrackingStrategy::from_c(detection.recommended_strategy),
            alternatives,
            evidence,
            is_complete: detection.is_complete != 0,
        }
    }
}
