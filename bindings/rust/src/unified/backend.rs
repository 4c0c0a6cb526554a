// SPDX-License-Identifier: Apache-2.0
//! The backend and its sessions.

use super::strategies::Notebook;
use super::{MemoryAnalysis, TrackingStrategy};
use crate::error::{check, Error, ErrorKind, Result};
use crate::ffi;
use std::mem::ManuallyDrop;
use std::ptr::{null_mut, NonNull};
use std::time::Duration;

/// Configuration of a backend.
#[derive(Clone, Debug, PartialEq)]
pub struct BackendConfig {
    /// Choose the strategy by what the program is.
    pub auto_detect: bool,
    /// The strategy, whatever the program is; overrides `auto_detect`.
    pub force_strategy: Option<TrackingStrategy>,
    /// Probability with which an allocation is kept, above 0.0 to 1.0; at 1.0 every figure is exact.
    pub sample_rate: f64,
    /// Budget for memory and time in percent of the program's own, above 0.0 to 100.0: past it the rate is
    /// lowered, which the results then say. 100.0: no limit.
    pub max_overhead_percent: f64,
}

impl Default for BackendConfig {
    fn default() -> Self {
        BackendConfig { auto_detect: true, force_strategy: None, sample_rate: 1.0, max_overhead_percent: 5.0 }
    }
}

impl BackendConfig {
    pub(super) fn to_c(&self) -> ffi::BackendConfig {
        ffi::BackendConfig {
            auto_detect: self.auto_detect.into(),
            force_strategy: self.force_strategy.map_or(0, |strategy| strategy as i32),
            sample_rate: self.sample_rate,
            max_overhead_percent: self.max_overhead_percent,
        }
    }
}

/// The orchestrator of tracking. Its methods may be called from any thread.
#[derive(Debug)]
pub struct UnifiedBackend {
    raw: NonNull<ffi::Backend>,
    notebook: Option<Notebook>,
}

unsafe impl Send for UnifiedBackend {}
unsafe impl Sync for UnifiedBackend {}

impl UnifiedBackend {
    /// Checks the configuration and, with `auto_detect`, looks at the program; starts no recording yet.
    ///
    /// # Errors
    /// For a configuration out of its range.
    pub fn initialize(config: BackendConfig) -> Result<UnifiedBackend> {
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_backend_initialize(&config.to_c(), &mut raw, error) })?;
        UnifiedBackend::from_raw(raw, None)
    }

    pub(super) fn from_raw(raw: *mut ffi::Backend, notebook: Option<Notebook>) -> Result<UnifiedBackend> {
        NonNull::new(raw)
            .map(|raw| UnifiedBackend { raw, notebook })
            .ok_or_else(|| Error::new(ErrorKind::Other, "the library gave no backend"))
    }

    /// Starts a session. The first one of a process starts the collector, a process of its own; under
    /// `memscope run` it joins that recording. The session lasts until it is ended or dropped.
    ///
    /// # Errors
    /// When the hooks do not see this program's allocations, when a recording with another strategy or rate is
    /// under way, when the collector does not start.
    pub fn start_tracking(&self) -> Result<TrackingSession> {
        let mut raw = null_mut();
        let started = check(|error| unsafe { ffi::memscope_backend_start_tracking(self.raw.as_ptr(), &mut raw, error) });
        if let (Err(_), Some(notebook)) = (&started, &self.notebook) {
            notebook.note(None);
        }
        started?;
        TrackingSession::from_raw(raw, self.notebook.clone())
    }

    /// What this backend's sessions have recorded so far. Everything that happened before the call, on any
    /// thread, is in it; no session ends.
    ///
    /// # Errors
    /// When no session was ever started, when the collector is gone.
    pub fn collect_data(&self) -> Result<MemoryAnalysis> {
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_backend_collect(self.raw.as_ptr(), &mut raw, error) })?;
        MemoryAnalysis::from_raw(raw)
    }

    /// The strategy that is used.
    pub fn strategy(&self) -> TrackingStrategy {
        TrackingStrategy::from_c(unsafe { ffi::memscope_backend_strategy(self.raw.as_ptr()) })
    }

    /// How many of its sessions are active.
    pub fn active_sessions(&self) -> usize {
        unsafe { ffi::memscope_backend_session_n(self.raw.as_ptr()) as usize }
    }

    /// Ends the backend's sessions and gives what they recorded. Dropping it does the same without data.
    ///
    /// # Errors
    /// As [`UnifiedBackend::collect_data`]; the backend is shut down all the same.
    pub fn shutdown(self) -> Result<MemoryAnalysis> {
        let mut raw = null_mut();
        let mut this = ManuallyDrop::new(self);
        // Sessions that were ended are in the book already; those that still are active, once.
        let notebook = this.notebook.take().filter(|_| this.active_sessions() > 0);
        let result = check(|error| unsafe { ffi::memscope_backend_shutdown(this.raw.as_ptr(), &mut raw, error) })
            .and_then(|()| MemoryAnalysis::from_raw(raw));
        if let Some(notebook) = notebook {
            notebook.note(result.as_ref().ok());
        }
        result
    }
}

impl Drop for UnifiedBackend {
    fn drop(&mut self) {
        unsafe { ffi::memscope_backend_shutdown(self.raw.as_ptr(), null_mut(), null_mut()) };
    }
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It records.
    Active,
    /// It has ended.
    Ended,
    /// It belongs to the process that this one was forked from.
    Forked,
    /// Its collector is gone.
    Lost,
}

/// A window over the process's recording. Owned: it may outlive its backend. Ends when it is dropped.
#[derive(Debug)]
pub struct TrackingSession {
    raw: NonNull<ffi::Session>,
    id: String,
    notebook: Option<Notebook>,
}

unsafe impl Send for TrackingSession {}
unsafe impl Sync for TrackingSession {}

impl TrackingSession {
    fn from_raw(raw: *mut ffi::Session, notebook: Option<Notebook>) -> Result<TrackingSession> {
        let raw = NonNull::new(raw).ok_or_else(|| Error::new(ErrorKind::Other, "the library gave no session"))?;
        let id = ffi::string(unsafe { ffi::memscope_session_id(raw.as_ptr()) });
        Ok(TrackingSession { raw, id, notebook })
    }

    /// `session_<n>`, n the start in milliseconds since 1970.
    pub fn session_id(&self) -> &str {
        &self.id
    }

    /// How long it lasts, or has lasted when it ended.
    pub fn elapsed_time(&self) -> Duration {
        Duration::from_nanos(unsafe { ffi::memscope_session_elapsed_ns(self.raw.as_ptr()) })
    }

    /// How it stands.
    pub fn state(&self) -> SessionState {
        match unsafe { ffi::memscope_session_state(self.raw.as_ptr()) } {
            0 => SessionState::Active,
            1 => SessionState::Ended,
            2 => SessionState::Forked,
            _ => SessionState::Lost,
        }
    }

    /// The strategy it is recorded with.
    pub fn strategy(&self) -> TrackingStrategy {
        TrackingStrategy::from_c(unsafe { ffi::memscope_session_strategy(self.raw.as_ptr()) })
    }

    /// What was recorded since the session's start; its statistics count this session alone.
    ///
    /// # Errors
    /// When the session has ended, when the collector is gone.
    pub fn collect_data(&self) -> Result<MemoryAnalysis> {
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_session_collect(self.raw.as_ptr(), &mut raw, error) })?;
        MemoryAnalysis::from_raw(raw)
    }

    /// Ends the session and gives what it recorded.
    ///
    /// # Errors
    /// As [`TrackingSession::collect_data`]; the session has ended all the same.
    pub fn end_session(self) -> Result<MemoryAnalysis> {
        let was_over = matches!(self.state(), SessionState::Ended | SessionState::Forked);
        let mut raw = null_mut();
        let result = check(|error| unsafe { ffi::memscope_session_end(self.raw.as_ptr(), &mut raw, error) })
            .and_then(|()| MemoryAnalysis::from_raw(raw));
        // A session that its backend has ended is in the book by then.
        if let (Some(notebook), false) = (&self.notebook, was_over) {
            notebook.note(result.as_ref().ok());
        }
        result
    }
}

impl Drop for TrackingSession {
    fn drop(&mut self) {
        unsafe { ffi::memscope_session_free(self.raw.as_ptr()) };
    }
}

/// A backend with the default configuration.
///
/// # Errors
/// As [`UnifiedBackend::initialize`].
pub fn unified_quick_start() -> Result<UnifiedBackend> {
    UnifiedBackend::initialize(BackendConfig::default())
}

/// What [`test_unified_system`] tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// The hooks see the program's allocations.
    pub hooked: bool,
    /// The collector starts and answers.
    pub collector: bool,
    /// What was recorded is what the test allocated.
    pub exact: bool,
    /// The program's environment can be detected.
    pub detection: bool,
    /// An export can be made.
    pub exports: bool,
}

/// Tries every part once, in this process.
///
/// # Errors
/// That of the first part that does not work.
pub fn test_unified_system() -> Result<SelfTest> {
    let mut result = ffi::SelfTest::default();
    check(|error| unsafe { ffi::memscope_self_test(&mut result, error) })?;
    Ok(SelfTest {
        hooked: result.hooked != 0,
        collector: result.collector != 0,
        exact: result.exact != 0,
        detection: result.detection != 0,
        exports: result.exports != 0,
    })
}

/// True while this process's allocations are being recorded, by whomever it was started.
pub fn is_recording() -> bool {
    unsafe { ffi::memscope_is_recording() != 0 }
}

/// The version of the library.
pub fn version() -> String {
    ffi::string(unsafe { ffi::memscope_version() })
}
