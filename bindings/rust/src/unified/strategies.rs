// SPDX-License-Identifier: Apache-2.0
//! Strategies, built in and custom, and how they did.

use super::environment::detect;
use super::{BackendConfig, DetectionConfig, Measurement, MemoryAnalysis, UnifiedBackend};
use crate::error::{check, Error, ErrorKind, Result};
use crate::ffi;
use std::ffi::{c_char, c_int, CString};
use std::fmt;
use std::ptr::{null, null_mut, NonNull};
use std::sync::Arc;

/// How allocations are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackingStrategy {
    /// The cheapest while there is one thread.
    SingleThread = 1,
    /// Each thread has a lane of its own.
    ThreadLocal = 2,
    /// As thread-local, and tells async tasks apart.
    AsyncOptimized = 3,
    /// Starts as the first and becomes what is needed.
    Hybrid = 4,
    /// One common lane in one order: the reference.
    Legacy = 5,
}

impl TrackingStrategy {
    pub(super) fn from_c(strategy: c_int) -> TrackingStrategy {
        match strategy {
            1 => TrackingStrategy::SingleThread,
            3 => TrackingStrategy::AsyncOptimized,
            4 => TrackingStrategy::Hybrid,
            5 => TrackingStrategy::Legacy,
            _ => TrackingStrategy::ThreadLocal,
        }
    }
}

impl fmt::Display for TrackingStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How a strategy has done. In what the factory gives, a figure that no session has is NaN, which is no number: a
/// program cannot measure satisfaction, for one.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyPerformance {
    /// Processor time added to the program's own, in percent.
    pub avg_overhead_percent: f64,
    /// Microseconds until the first event could be recorded.
    pub avg_init_time_us: f64,
    /// Sessions that were recorded completely, 0.0 to 1.0.
    pub success_rate: f64,
    /// How well it served, 0.0 to 1.0.
    pub satisfaction_score: f64,
    /// Sessions that the averages are of.
    pub session_count: u64,
}

impl StrategyPerformance {
    fn from_c(c: ffi::Performance) -> StrategyPerformance {
        let known = |figure: f64| if figure >= 0.0 { figure } else { f64::NAN };
        StrategyPerformance {
            avg_overhead_percent: known(c.avg_overhead_percent),
            avg_init_time_us: known(c.avg_init_time_us),
            success_rate: known(c.success_rate),
            satisfaction_score: known(c.satisfaction_score),
            session_count: c.session_count,
        }
    }
}

/// What a strategy is wanted for; the default has no wishes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StrategyRequirements {
    /// At most this overhead; 0.0: any.
    pub max_overhead_percent: f64,
    /// At least this success rate; 0.0: any.
    pub min_success_rate: f64,
    /// Threads that are expected; 0: unknown.
    pub threads: u32,
    /// Memory by async task is wanted.
    pub needs_tasks: bool,
    /// One order of all events is wanted, at any cost.
    pub needs_total_order: bool,
}

/// What was recommended.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyRecommendation {
    /// The strategy, or what a custom one is based on.
    pub strategy: TrackingStrategy,
    /// Its name.
    pub name: String,
    /// 0.0 to 1.0.
    pub score: f64,
    /// Why, one sentence.
    pub reason: String,
}

/// The C object, which its factory and the backends made by it share. A lock of its own guards it.
#[derive(Debug)]
struct Shared(NonNull<ffi::Factory>);

unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Drop for Shared {
    fn drop(&mut self) {
        unsafe { ffi::memscope_factory_free(self.0.as_ptr()) };
    }
}

/// Where a backend notes how its sessions did: the factory that made it, and its strategy there.
#[derive(Clone, Debug)]
pub(super) struct Notebook {
    shared: Arc<Shared>,
    name: Arc<CString>,
}

impl Notebook {
    /// One session; None: it failed.
    pub(super) fn note(&self, analysis: Option<&MemoryAnalysis>) {
        let analysis = analysis.map_or(null(), MemoryAnalysis::as_c);
        unsafe { ffi::memscope_factory_record_analysis(self.shared.0.as_ptr(), self.name.as_ptr(), analysis) };
    }
}

/// Knows the built-in strategies, custom ones, and how each did: what the caller tells, and what was measured of the
/// sessions of its own backends, which are noted when they are ended ([`TrackingSession::end_session`],
/// [`UnifiedBackend::shutdown`]). Nothing but [`StrategyFactory::recommend`] goes by it.
///
/// [`TrackingSession::end_session`]: super::TrackingSession::end_session
#[derive(Debug)]
pub struct StrategyFactory {
    raw: NonNull<ffi::Factory>,
    shared: Arc<Shared>,
}

unsafe impl Send for StrategyFactory {}

impl StrategyFactory {
    /// A factory with the built-in strategies.
    ///
    /// # Panics
    /// When there is no memory.
    pub fn new() -> StrategyFactory {
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_factory_new(&mut raw, error) }).expect("memory for a factory");
        let raw = NonNull::new(raw).expect("a factory");
        StrategyFactory { raw, shared: Arc::new(Shared(raw)) }
    }

    /// Notes how a strategy did; any name of up to 63 bytes is kept. Past 1024 records the oldest go; one that the
    /// factory cannot take (a figure that is no number, a 65th name) is passed over.
    pub fn record_performance(&mut self, strategy: &str, performance: StrategyPerformance) {
        let Ok(name) = CString::new(strategy) else { return };
        let performance = ffi::Performance {
            avg_overhead_percent: performance.avg_overhead_percent,
            avg_init_time_us: performance.avg_init_time_us,
            success_rate: performance.success_rate,
            satisfaction_score: performance.satisfaction_score,
            session_count: performance.session_count,
        };
        unsafe { ffi::memscope_factory_record_performance(self.raw.as_ptr(), name.as_ptr(), &performance) };
    }

    /// Notes a session by what was measured of it. Sessions of this factory's own backends are noted by themselves.
    /// Passed over like a record of [`StrategyFactory::record_performance`].
    pub fn record_analysis(&mut self, strategy: &str, analysis: &MemoryAnalysis) {
        let Ok(name) = CString::new(strategy) else { return };
        unsafe { ffi::memscope_factory_record_analysis(self.raw.as_ptr(), name.as_ptr(), analysis.as_c()) };
    }

    /// What was measured in all sessions of a strategy: the mean of each figure over those that have it, the sum of
    /// events and waits, the most memory. None: no session was measured.
    pub fn measurement(&self, strategy: &str) -> Option<Measurement> {
        let name = CString::new(strategy).ok()?;
        let mut measurement = ffi::Measurement::default();
        let status = unsafe { ffi::memscope_factory_measurement(self.raw.as_ptr(), name.as_ptr(), &mut measurement) };
        (status == 0).then(|| Measurement::from_c(&measurement))
    }

    /// All records of a name in one, averages weighted by sessions.
    pub fn performance(&self, strategy: &str) -> Option<StrategyPerformance> {
        let name = CString::new(strategy).ok()?;
        let mut performance = ffi::Performance::default();
        let status = unsafe { ffi::memscope_factory_performance(self.raw.as_ptr(), name.as_ptr(), &mut performance) };
        (status == 0).then(|| StrategyPerformance::from_c(performance))
    }

    /// Every record, the oldest first.
    pub fn history(&self) -> Vec<(String, StrategyPerformance)> {
        (0..unsafe { ffi::memscope_factory_history_n(self.raw.as_ptr()) })
            .filter_map(|i| {
                let (mut name, mut performance) = ([0 as c_char; 64], ffi::Performance::default());
                let status = unsafe { ffi::memscope_factory_history(self.raw.as_ptr(), i, name.as_mut_ptr(), &mut performance) };
                (status == 0).then(|| (ffi::text(&name), StrategyPerformance::from_c(performance)))
            })
            .collect()
    }

    /// The strategy for some requirements, by what each can do and by its history. With `look_at_program` what
    /// this program is counts, too.
    ///
    /// # Errors
    /// When none fulfils them.
    pub fn recommend(&self, requirements: &StrategyRequirements, look_at_program: bool) -> Result<StrategyRecommendation> {
        let requirements = ffi::Requirements {
            max_overhead_percent: requirements.max_overhead_percent,
            min_success_rate: requirements.min_success_rate,
            thread_n: requirements.threads,
            needs_tasks: requirements.needs_tasks.into(),
            needs_total_order: requirements.needs_total_order.into(),
        };
        let detection = if look_at_program { Some(detect(&DetectionConfig::default())?) } else { None };
        let detection = detection.as_ref().map_or(null(), std::ptr::from_ref);
        let mut found = ffi::Recommendation { strategy: 0, name: [0; 64], score: 0.0, text: [0; 160] };
        check(|_| unsafe { ffi::memscope_factory_recommend(self.raw.as_ptr(), &requirements, detection, &mut found) })?;
        Ok(StrategyRecommendation {
            strategy: TrackingStrategy::from_c(found.strategy),
            name: ffi::text(&found.name),
            score: found.score,
            reason: ffi::text(&found.text),
        })
    }

    /// Adds, or changes, a custom strategy: a base with a rate and a budget of its own (None: as the backend's
    /// configuration has it).
    ///
    /// # Errors
    /// For the name of a built-in strategy, figures out of their range, a 65th name.
    pub fn add_strategy(
        &mut self,
        name: &str,
        base: TrackingStrategy,
        sample_rate: Option<f64>,
        max_overhead_percent: Option<f64>,
    ) -> Result<()> {
        let name = name_of(name)?;
        let settings = ffi::StrategySettings {
            sample_rate: sample_rate.unwrap_or(0.0),
            max_overhead_percent: max_overhead_percent.unwrap_or(0.0),
            track_tasks: 0,
        };
        check(|_| unsafe { ffi::memscope_factory_add_strategy(self.raw.as_ptr(), name.as_ptr(), base as c_int, &settings) })
    }

    /// The names and bases of all strategies, the built-in ones first.
    pub fn strategies(&self) -> Vec<(String, TrackingStrategy)> {
        (0..unsafe { ffi::memscope_factory_strategy_n(self.raw.as_ptr()) })
            .filter_map(|i| {
                let (mut name, mut base) = ([0 as c_char; 64], 0);
                let status = unsafe { ffi::memscope_factory_strategy(self.raw.as_ptr(), i, name.as_mut_ptr(), &mut base, null_mut()) };
                (status == 0).then(|| (ffi::text(&name), TrackingStrategy::from_c(base)))
            })
            .collect()
    }

    /// A backend with a strategy of this factory, which notes what its sessions cost: when one is ended, when it
    /// does not start, and, as one, those that are active when the backend is shut down. One that is dropped is not.
    ///
    /// # Errors
    /// As [`UnifiedBackend::initialize`], and for an unknown name.
    pub fn backend(&mut self, name: &str, config: BackendConfig) -> Result<UnifiedBackend> {
        let name = name_of(name)?;
        let mut raw = null_mut();
        check(|error| unsafe { ffi::memscope_factory_backend(self.raw.as_ptr(), name.as_ptr(), &config.to_c(), &mut raw, error) })?;
        UnifiedBackend::from_raw(raw, Some(Notebook { shared: self.shared.clone(), name: Arc::new(name) }))
    }
}

fn name_of(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::new(ErrorKind::Invalid, "a strategy's name holds a zero byte"))
}

impl Default for StrategyFactory {
    fn default() -> Self {
        StrategyFactory::new()
    }
}
