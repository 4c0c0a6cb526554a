// SPDX-License-Identifier: Apache-2.0
//! One backend for single-threaded, multi-threaded and asynchronous programs.

mod analysis;
mod backend;
mod environment;
pub mod strategies;

pub use analysis::{Frame, Mark, Measurement, MemoryAnalysis, Site, Slice, Statistics, Task, Thread};
pub use backend::{
    is_recording, test_unified_system, unified_quick_start, version, BackendConfig, SelfTest, SessionState, TrackingSession, UnifiedBackend,
};
pub use environment::{
    detect_environment, detect_environment_detailed, AsyncRuntime, DetectionConfig, EnvironmentAnalysis, Evidence, RuntimeEnvironment,
};
pub use strategies::TrackingStrategy;
