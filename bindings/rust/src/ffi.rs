// SPDX-License-Identifier: Apache-2.0
//! The C API, as `include/memscope/` declares it. Layouts are checked against the header by `tests/layout.rs`.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr};

#[repr(C)]
pub struct Error {
    pub code: c_int,
    pub text: [c_char; 252],
}

#[repr(C)]
pub struct BackendConfig {
    pub auto_detect: c_int,
    pub force_strategy: c_int,
    pub sample_rate: f64,
    pub max_overhead_percent: f64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Environment {
    pub kind: c_int,
    pub runtime: [c_char; 32],
    pub runtime_version: [c_char; 32],
}

#[repr(C)]
pub struct DetectionConfig {
    pub deep_analysis: c_int,
    pub confidence_threshold: f64,
    pub timeout_ms: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Evidence {
    pub text: [c_char; 160],
    pub weight: f64,
    pub kind: c_int,
    pub is_running: c_int,
}

#[repr(C)]
pub struct Detection {
    pub environment: Environment,
    pub confidence: f64,
    pub alternatives: [f64; 4],
    pub recommended_strategy: c_int,
    pub is_complete: c_int,
    pub evidence_n: u32,
    pub evidence: [Evidence; 16],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Performance {
    pub avg_overhead_percent: f64,
    pub avg_init_time_us: f64,
    pub success_rate: f64,
    pub satisfaction_score: f64,
    pub session_count: u64,
}

#[repr(C)]
#[derive(Default)]
pub struct Requirements {
    pub max_overhead_percent: f64,
    pub min_success_rate: f64,
    pub thread_n: u32,
    pub needs_tasks: c_int,
    pub needs_total_order: c_int,
}

#[repr(C)]
pub struct Recommendation {
    pub strategy: c_int,
    pub name: [c_char; 64],
    pub score: f64,
    pub text: [c_char; 160],
}

#[repr(C)]
pub struct StrategySettings {
    pub sample_rate: f64,
    pub max_overhead_percent: f64,
    pub track_tasks: c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Statistics {
    pub duration_ns: u64,
    pub alloc_n: u64,
    pub alloc_bytes: u64,
    pub free_n: u64,
    pub free_bytes: u64,
    pub realloc_n: u64,
    pub temporary_n: u64,
    pub live_n: u64,
    pub live_bytes: u64,
    pub peak_n: u64,
    pub peak_bytes: u64,
    pub peak_at_ns: u64,
    pub unknown_free_n: u64,
    pub lost_n: u64,
    pub recording_bytes: u64,
    pub tracker_bytes: u64,
    pub sample_rate: f64,
    pub overhead_percent: f64,
    pub site_n: u32,
    pub thread_n: u32,
    pub task_n: u32,
    pub process_n: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Measurement {
    pub strategy: c_int,
    pub is_complete: c_int,
    pub init_time_us: f64,
    pub overhead_percent: f64,
    pub event_cpu_ns: f64,
    pub hook_p50_ns: f64,
    pub hook_p99_ns: f64,
    pub stall_s: f64,
    pub event_n: i64,
    pub tracker_bytes: i64,
}

#[repr(C)]
pub struct Site {
    pub function: *const c_char,
    pub file: *const c_char,
    pub module: *const c_char,
    pub line: u32,
    pub frame_n: u32,
    pub alloc_n: u64,
    pub alloc_bytes: u64,
    pub free_n: u64,
    pub free_bytes: u64,
    pub live_n: u64,
    pub live_bytes: u64,
    pub peak_n: u64,
    pub peak_bytes: u64,
    pub temporary_n: u64,
    pub size_min_bytes: u64,
    pub size_max_bytes: u64,
    pub first_ns: u64,
    pub last_ns: u64,
}

#[repr(C)]
pub struct Frame {
    pub function: *const c_char,
    pub file: *const c_char,
    pub module: *const c_char,
    pub line: u32,
    pub inlined: u32,
    pub offset: u64,
}

#[repr(C)]
pub struct Thread {
    pub name: *const c_char,
    pub pid: u32,
    pub tid: u32,
    pub start_ns: u64,
    pub end_ns: u64,
    pub alloc_n: u64,
    pub alloc_bytes: u64,
    pub live_n: u64,
    pub live_bytes: u64,
    pub peak_bytes: u64,
}

#[repr(C)]
pub struct Task {
    pub name: *const c_char,
    pub runtime: *const c_char,
    pub id: u64,
    pub created_ns: u64,
    pub ended_ns: u64,
    pub poll_n: u64,
    pub busy_ns: u64,
    pub alloc_n: u64,
    pub alloc_bytes: u64,
    pub live_n: u64,
    pub live_bytes: u64,
    pub peak_bytes: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Slice {
    pub start_ns: u64,
    pub end_ns: u64,
    pub live_n: u64,
    pub live_bytes: u64,
    pub high_bytes: u64,
    pub alloc_n: u64,
    pub alloc_bytes: u64,
    pub free_n: u64,
    pub free_bytes: u64,
    pub rss_bytes: u64,
}

#[repr(C)]
pub struct MarkEntry {
    pub at_ns: u64,
    pub kind: *const c_char,
    pub text: *const c_char,
}

#[repr(C)]
#[derive(Default)]
pub struct SelfTest {
    pub hooked: c_int,
    pub collector: c_int,
    pub exact: c_int,
    pub detection: c_int,
    pub exports: c_int,
    pub text: Text200,
}

#[repr(transparent)]
pub struct Text200(pub [c_char; 200]);

impl Default for Text200 {
    fn default() -> Self {
        Text200([0; 200])
    }
}

/// Objects that only the C side sees into.
macro_rules! opaque {
    ($($name:ident),*) => { $(#[repr(C)] pub struct $name { _private: [u8; 0] })* };
}
opaque!(Backend, Session, Analysis, Buffer, Factory, Tracker);

extern "C" {
    pub fn memscope_version() -> *const c_char;
    pub fn memscope_status_text(status: c_int) -> *const c_char;
    pub fn memscope_is_recording() -> c_int;

    pub fn memscope_backend_initialize(config: *const BackendConfig, ret: *mut *mut Backend, error: *mut Error) -> c_int;
    pub fn memscope_backend_start_tracking(backend: *mut Backend, ret: *mut *mut Session, error: *mut Error) -> c_int;
    pub fn memscope_backend_collect(backend: *mut Backend, ret: *mut *mut Analysis, error: *mut Error) -> c_int;
    pub fn memscope_backend_strategy(backend: *const Backend) -> c_int;
    pub fn memscope_backend_session_n(backend: *const Backend) -> c_uint;
    pub fn memscope_backend_shutdown(backend: *mut Backend, ret: *mut *mut Analysis, error: *mut Error) -> c_int;
    pub fn memscope_self_test(ret: *mut SelfTest, error: *mut Error) -> c_int;

    pub fn memscope_session_id(session: *const Session) -> *const c_char;
    pub fn memscope_session_elapsed_ns(session: *const Session) -> u64;
    pub fn memscope_session_state(session: *const Session) -> c_int;
    pub fn memscope_session_strategy(session: *const Session) -> c_int;
    pub fn memscope_session_collect(session: *mut Session, ret: *mut *mut Analysis, error: *mut Error) -> c_int;
    pub fn memscope_session_end(session: *mut Session, ret: *mut *mut Analysis, error: *mut Error) -> c_int;
    pub fn memscope_session_free(session: *mut Session);

    pub fn memscope_tracker_new(ret: *mut *mut Tracker, error: *mut Error) -> c_int;
    pub fn memscope_tracker_statistics(tracker: *mut Tracker, ret: *mut Statistics, error: *mut Error) -> c_int;
    pub fn memscope_tracker_collect(tracker: *mut Tracker, ret: *mut *mut Analysis, error: *mut Error) -> c_int;
    pub fn memscope_tracker_free(tracker: *mut Tracker);

    pub fn memscope_mark(text: *const c_char);
    pub fn memscope_task_enter(id: u64, name: *const c_char);
    pub fn memscope_task_leave();
    pub fn memscope_task_end(id: u64);
    pub fn memscope_scope_enter(name: *const c_char);
    pub fn memscope_scope_leave();
    pub fn memscope_ignore_begin();
    pub fn memscope_ignore_end();

    pub fn memscope_detect_environment(ret: *mut Environment, error: *mut Error) -> c_int;
    pub fn memscope_detect_environment_detailed(config: *const DetectionConfig, ret: *mut Detection, error: *mut Error) -> c_int;

    pub fn memscope_factory_new(ret: *mut *mut Factory, error: *mut Error) -> c_int;
    pub fn memscope_factory_free(factory: *mut Factory);
    pub fn memscope_factory_record_performance(factory: *mut Factory, name: *const c_char, performance: *const Performance) -> c_int;
    pub fn memscope_factory_record_analysis(factory: *mut Factory, name: *const c_char, analysis: *const Analysis) -> c_int;
    pub fn memscope_factory_measurement(factory: *const Factory, name: *const c_char, ret: *mut Measurement) -> c_int;
    pub fn memscope_factory_performance(factory: *const Factory, name: *const c_char, ret: *mut Performance) -> c_int;
    pub fn memscope_factory_history_n(factory: *const Factory) -> usize;
    pub fn memscope_factory_history(factory: *const Factory, i: usize, name: *mut c_char, ret: *mut Performance) -> c_int;
    pub fn memscope_factory_recommend(
        factory: *const Factory,
        requirements: *const Requirements,
        detection: *const Detection,
        ret: *mut Recommendation,
    ) -> c_int;
    pub fn memscope_factory_add_strategy(
        factory: *mut Factory,
        name: *const c_char,
        base: c_int,
        settings: *const StrategySettings,
    ) -> c_int;
    pub fn memscope_factory_strategy_n(factory: *const Factory) -> usize;
    pub fn memscope_factory_strategy(
        factory: *const Factory,
        i: usize,
        name: *mut c_char,
        base: *mut c_int,
        settings: *mut StrategySettings,
    ) -> c_int;
    pub fn memscope_factory_backend(
        factory: *mut Factory,
        name: *const c_char,
        config: *const BackendConfig,
        ret: *mut *mut Backend,
        error: *mut Error,
    ) -> c_int;

    pub fn memscope_analysis_raw(analysis: *const Analysis, bytes: *mut usize) -> *const c_void;
    pub fn memscope_analysis_statistics(analysis: *const Analysis, ret: *mut Statistics) -> c_int;
    pub fn memscope_analysis_measurement(analysis: *const Analysis, ret: *mut Measurement) -> c_int;
    pub fn memscope_analysis_environment(analysis: *const Analysis, ret: *mut Environment) -> c_int;
    pub fn memscope_analysis_session_id(analysis: *const Analysis) -> *const c_char;
    pub fn memscope_analysis_strategy(analysis: *const Analysis) -> c_int;
    pub fn memscope_analysis_is_partial(analysis: *const Analysis) -> c_int;
    pub fn memscope_analysis_is_exact(analysis: *const Analysis) -> c_int;
    pub fn memscope_analysis_metadata_n(analysis: *const Analysis) -> usize;
    pub fn memscope_analysis_metadata(analysis: *const Analysis, i: usize, key: *mut *const c_char, value: *mut *const c_char) -> c_int;
    pub fn memscope_analysis_site_n(analysis: *const Analysis) -> usize;
    pub fn memscope_analysis_site(analysis: *const Analysis, i: usize, ret: *mut Site) -> c_int;
    pub fn memscope_analysis_frame(analysis: *const Analysis, i: usize, frame: usize, ret: *mut Frame) -> c_int;
    pub fn memscope_analysis_thread_n(analysis: *const Analysis) -> usize;
    pub fn memscope_analysis_thread(analysis: *const Analysis, i: usize, ret: *mut Thread) -> c_int;
    pub fn memscope_analysis_task_n(analysis: *const Analysis) -> usize;
    pub fn memscope_analysis_task(analysis: *const Analysis, i: usize, ret: *mut Task) -> c_int;
    pub fn memscope_analysis_slice_n(analysis: *const Analysis) -> usize;
    pub fn memscope_analysis_slice(analysis: *const Analysis, i: usize, ret: *mut Slice) -> c_int;
    pub fn memscope_analysis_mark_n(analysis: *const Analysis) -> usize;
    pub fn memscope_analysis_mark(analysis: *const Analysis, i: usize, ret: *mut MarkEntry) -> c_int;
    pub fn memscope_analysis_export(analysis: *const Analysis, format: *const c_char, path: *const c_char, error: *mut Error) -> c_int;
    pub fn memscope_analysis_export_memory(
        analysis: *const Analysis,
        format: *const c_char,
        ret: *mut *mut Buffer,
        error: *mut Error,
    ) -> c_int;
    pub fn memscope_analysis_free(analysis: *mut Analysis);

    pub fn memscope_buffer_bytes(buffer: *const Buffer, bytes: *mut usize) -> *const c_char;
    pub fn memscope_buffer_free(buffer: *mut Buffer);
}

/// The text of a C string that lives at least as long as the call; "" for NULL.
pub fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The text in a field of fixed size.
pub fn text(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::mem::{offset_of, size_of};
    use std::process::Command;

    /// (C expression, what Rust has for it): the size of each struct and the place of each field.
    macro_rules! layout {
        ($($rust:ident = $c:literal { $($field:ident),* })*) => {
            vec![$((format!("sizeof(struct {})", $c), size_of::<$rust>()),
                $((format!("offsetof(struct {}, {})", $c, stringify!($field)), offset_of!($rust, $field)),)*)*]
        };
    }

    #[test]
    fn structs_lie_as_in_the_header() {
        let layout = layout! {
            Error = "memscope_error" { code, text }
            BackendConfig = "memscope_backend_config" { auto_detect, force_strategy, sample_rate, max_overhead_percent }
            Environment = "memscope_environment" { kind, runtime, runtime_version }
            DetectionConfig = "memscope_detection_config" { deep_analysis, confidence_threshold, timeout_ms }
            Evidence = "memscope_evidence" { text, weight, kind, is_running }
            Detection = "memscope_detection" { environment, confidence, alternatives, recommended_strategy, is_complete, evidence_n, evidence }
            Performance = "memscope_strategy_performance" { avg_overhead_percent, avg_init_time_us, success_rate, satisfaction_score, session_count }
            Measurement = "memscope_measurement" {
                strategy, is_complete, init_time_us, overhead_percent, event_cpu_ns, hook_p50_ns, hook_p99_ns, stall_s, event_n,
                tracker_bytes
            }
            Requirements = "memscope_requirements" { max_overhead_percent, min_success_rate, thread_n, needs_tasks, needs_total_order }
            Recommendation = "memscope_recommendation" { strategy, name, score, text }
            StrategySettings = "memscope_strategy_settings" { sample_rate, max_overhead_percent, track_tasks }
            Statistics = "memscope_statistics" {
                duration_ns, alloc_n, alloc_bytes, free_n, free_bytes, realloc_n, temporary_n, live_n, live_bytes, peak_n, peak_bytes,
                peak_at_ns, unknown_free_n, lost_n, recording_bytes, tracker_bytes, sample_rate, overhead_percent, site_n, thread_n, task_n,
                process_n
            }
            Site = "memscope_site" {
                function, file, module, line, frame_n, alloc_n, alloc_bytes, free_n, free_bytes, live_n, live_bytes, peak_n, peak_bytes,
                temporary_n, size_min_bytes, size_max_bytes, first_ns, last_ns
            }
            Frame = "memscope_frame" { function, file, module, line, inlined, offset }
            Thread = "memscope_thread" { name, pid, tid, start_ns, end_ns, alloc_n, alloc_bytes, live_n, live_bytes, peak_bytes }
            Task = "memscope_task" {
                name, runtime, id, created_ns, ended_ns, poll_n, busy_ns, alloc_n, alloc_bytes, live_n, live_bytes, peak_bytes
            }
            Slice = "memscope_slice" {
                start_ns, end_ns, live_n, live_bytes, high_bytes, alloc_n, alloc_bytes, free_n, free_bytes, rss_bytes
            }
            MarkEntry = "memscope_mark_entry" { at_ns, kind, text }
            SelfTest = "memscope_self_test" { hooked, collector, exact, detection, exports, text }
        };
        let mut source = String::from("#include <memscope/memscope.h>\n#include <stddef.h>\n");
        for (i, (c, rust)) in layout.iter().enumerate() {
            writeln!(source, "typedef char layout_{i}[{c} == {rust} ? 1 : -1]; /* {c} is {rust} in Rust */").unwrap();
        }
        let folder = std::env::temp_dir().join(format!("memscope-layout-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("layout.c");
        std::fs::write(&file, source).unwrap();
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = if here.join("csrc").is_dir() { here.join("csrc") } else { here.join("../..") };
        let output = Command::new("cc").arg("-fsyntax-only").arg("-I").arg(root.join("include")).arg(&file).output().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
