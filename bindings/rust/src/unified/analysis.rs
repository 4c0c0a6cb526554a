// SPDX-License-Identifier: Apache-2.0
//! What was recorded.

use super::{RuntimeEnvironment, TrackingStrategy};
use crate::error::{check, Error, ErrorKind, Result};
use crate::ffi;
use std::collections::BTreeMap;
use std::ffi::{c_int, CString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut, NonNull};
use std::time::Duration;

/// What was counted; bytes are as requested by the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// From the window's start to its end.
    pub duration: Duration,
    /// Allocations, a realloc being one of its full new size.
    pub allocations: u64,
    /// Bytes of all allocations.
    pub allocated_bytes: u64,
    /// Frees of recorded blocks, a realloc being one.
    pub frees: u64,
    /// Bytes of the freed blocks.
    pub freed_bytes: u64,
    /// Those of the allocations that were reallocs of a recorded block.
    pub reallocs: u64,
    /// Blocks that were freed before the same thread's next allocation.
    pub temporary: u64,
    /// Recorded blocks that are not freed.
    pub live_blocks: u64,
    /// Their bytes.
    pub live_bytes: u64,
    /// The most bytes that were live at a time.
    pub peak_bytes: u64,
    /// When that was, since the recording began.
    pub peak_at: Duration,
    /// Frees of blocks that were allocated before tracking, or between sessions.
    pub unknown_frees: u64,
    /// Events that could not be recorded; 0: complete.
    pub lost: u64,
    /// Memory that memscope holds in the program.
    pub tracker_bytes: u64,
    /// The lowest sampling rate that was in force; 1.0: every figure is exact.
    pub sample_rate: f64,
    /// Processor time that recording added to the program's own, in percent; None: not measured.
    pub overhead_percent: Option<f64>,
}

/// What recording cost, as the recording itself measured it; None: it did not.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The strategy that was in force.
    pub strategy: TrackingStrategy,
    /// Nothing was lost, no thread held the collection up.
    pub is_complete: bool,
    /// What the start of tracking took, with that of the collector where it was started.
    pub init_time: Option<Duration>,
    /// Processor time that recording added to the program's own, in percent, the collector's included.
    pub overhead_percent: Option<f64>,
    /// Processor time of hooks and collector by event, in nanoseconds.
    pub event_cpu_ns: Option<f64>,
    /// Half of the hooks took no longer, in nanoseconds.
    pub hook_p50_ns: Option<f64>,
    /// 99 of 100 took no longer.
    pub hook_p99_ns: Option<f64>,
    /// How long threads waited for the collector, all together.
    pub stalled: Option<Duration>,
    /// Allocations and frees of the session.
    pub events: u64,
    /// Memory that memscope holds in the program.
    pub tracker_bytes: Option<u64>,
}

impl Measurement {
    pub(super) fn from_c(c: &ffi::Measurement) -> Measurement {
        let known = |figure: f64| (figure >= 0.0).then_some(figure);
        Measurement {
            strategy: TrackingStrategy::from_c(c.strategy),
            is_complete: c.is_complete != 0,
            init_time: known(c.init_time_us).map(|us| Duration::from_secs_f64(us / 1e6)),
            overhead_percent: known(c.overhead_percent),
            event_cpu_ns: known(c.event_cpu_ns),
            hook_p50_ns: known(c.hook_p50_ns),
            hook_p99_ns: known(c.hook_p99_ns),
            stalled: known(c.stall_s).map(Duration::from_secs_f64),
            events: c.event_n.unsigned_abs(),
            tracker_bytes: u64::try_from(c.tracker_bytes).ok(),
        }
    }
}

/// A place that allocates: one call stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The first function that is no plumbing; empty: unknown.
    pub function: String,
    /// Its source file; empty: unknown.
    pub file: String,
    /// The executable or library.
    pub module: String,
    /// Line in the file; 0: unknown.
    pub line: u32,
    /// Blocks allocated.
    pub allocations: u64,
    /// Bytes allocated.
    pub allocated_bytes: u64,
    /// Blocks not freed.
    pub live_blocks: u64,
    /// Bytes not freed.
    pub live_bytes: u64,
    /// Its part of the recording's peak.
    pub peak_bytes: u64,
    /// Blocks freed before the same thread's next allocation.
    pub temporary: u64,
    /// The call stack, the innermost frame first.
    pub frames: Vec<Frame>,
}

/// One frame of a call stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Function; empty: unknown.
    pub function: String,
    /// Source file; empty: unknown.
    pub file: String,
    /// The executable or library.
    pub module: String,
    /// Line in the file; 0: unknown.
    pub line: u32,
    /// Inlined into the next frame.
    pub is_inlined: bool,
    /// Address in the module's file.
    pub offset: u64,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// Process and thread as the system numbers them.
    pub pid: u32,
    /// The thread's number.
    pub tid: u32,
    /// Blocks allocated.
    pub allocations: u64,
    /// Bytes allocated.
    pub allocated_bytes: u64,
    /// Bytes not freed.
    pub live_bytes: u64,
    /// Most bytes live at a time.
    pub peak_bytes: u64,
}

/// An async task, or one that [`crate::tasks`] named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name; empty: unknown.
    pub name: String,
    /// "tokio", ..., or "explicit".
    pub runtime: String,
    /// The runtime's own number, or the program's.
    pub id: u64,
    /// Times it was polled.
    pub polls: u64,
    /// Time spent in polls.
    pub busy: Duration,
    /// It has ended.
    pub has_ended: bool,
    /// Blocks allocated.
    pub allocations: u64,
    /// Bytes allocated.
    pub allocated_bytes: u64,
    /// Bytes not freed.
    pub live_bytes: u64,
    /// Most bytes live at a time.
    pub peak_bytes: u64,
}

/// A piece of the recording's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Since the recording began.
    pub start: Duration,
    /// Where the next one begins.
    pub end: Duration,
    /// Live bytes at its end.
    pub live_bytes: u64,
    /// Most live bytes in it.
    pub high_bytes: u64,
    /// Blocks allocated in it.
    pub allocations: u64,
    /// Bytes allocated in it.
    pub allocated_bytes: u64,
    /// Blocks freed in it.
    pub frees: u64,
    /// Bytes freed in it.
    pub freed_bytes: u64,
    /// Resident memory; None: not measured.
    pub rss_bytes: Option<u64>,
}

/// A mark on the time line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Since the recording began.
    pub at: Duration,
    /// "mark" for the program's own, else what memscope noted.
    pub kind: String,
    /// What it says.
    pub text: String,
}

/// What was recorded up to the moment of collection; it never changes.
#[derive(Debug)]
pub struct MemoryAnalysis {
    /// The recording, as a `.mscope` file holds it.
    pub raw_data: Vec<u8>,
    /// Totals of the session, or of all sessions of the backend.
    pub statistics: Statistics,
    /// What kind of program it is.
    pub environment: RuntimeEnvironment,
    /// What is known about the session: "command", "pid", "strategy", "reason", ...
    pub session_metadata: BTreeMap<String, String>,
    /// `session_<n>`.
    pub session_id: String,
    /// The strategy in force.
    pub strategy: TrackingStrategy,
    raw: Handle,
}

/// Frees the C object; apart, so that fields can be moved out of the analysis.
#[derive(Debug)]
struct Handle(NonNull<ffi::Analysis>);

unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Statistics {
    pub(crate) fn from_c(c: &ffi::Statistics) -> Statistics {
        Statistics {
            duration: Duration::from_nanos(c.duration_ns),
            allocations: c.alloc_n,
            allocated_bytes: c.alloc_bytes,
            frees: c.free_n,
            freed_bytes: c.free_bytes,
            reallocs: c.realloc_n,
            temporary: c.temporary_n,
            live_blocks: c.live_n,
            live_bytes: c.live_bytes,
            peak_bytes: c.peak_bytes,
            peak_at: Duration::from_nanos(c.peak_at_ns),
            unknown_frees: c.unknown_free_n,
            lost: c.lost_n,
            tracker_bytes: c.tracker_bytes,
            sample_rate: c.sample_rate,
            overhead_percent: (c.overhead_percent >= 0.0).then_some(c.overhead_percent),
        }
    }
}

/// Entry i of a table, by the C function that copies it; None past the table's end.
fn entry<T>(copy: impl FnOnce(*mut T) -> c_int) -> Option<T> {
    let mut entry = MaybeUninit::<T>::zeroed();
    (copy(entry.as_mut_ptr()) == 0).then(|| unsafe { entry.assume_init() })
}

impl MemoryAnalysis {
    pub(crate) fn from_raw(raw: *mut ffi::Analysis) -> Result<MemoryAnalysis> {
        let raw = NonNull::new(raw).map(Handle).ok_or_else(|| Error::new(ErrorKind::Other, "the library gave no analysis"))?;
        let c = raw.0.as_ptr();
        let mut bytes = 0;
        let data = unsafe { ffi::memscope_analysis_raw(c, &mut bytes) };
        let raw_data = if data.is_null() { Vec::new() } else { unsafe { std::slice::from_raw_parts(data.cast::<u8>(), bytes) }.to_vec() };
        let statistics = entry(|ret| unsafe { ffi::memscope_analysis_statistics(c, ret) }).unwrap_or_default();
        let environment = entry(|ret| unsafe { ffi::memscope_analysis_environment(c, ret) })
            .map_or(RuntimeEnvironment::Hybrid, |environment: ffi::Environment| RuntimeEnvironment::from_c(environment.kind, &environment));
        let mut session_metadata = BTreeMap::new();
        for i in 0..unsafe { ffi::memscope_analysis_metadata_n(c) } {
            let (mut key, mut value) = (null(), null());
            if unsafe { ffi::memscope_analysis_metadata(c, i, &mut key, &mut value) } == 0 {
                session_metadata.insert(ffi::string(key), ffi::string(value));
            }
        }
        Ok(MemoryAnalysis {
            raw_data,
            statistics: Statistics::from_c(&statistics),
            environment,
            session_metadata,
            session_id: ffi::string(unsafe { ffi::memscope_analysis_session_id(c) }),
            strategy: TrackingStrategy::from_c(unsafe { ffi::memscope_analysis_strategy(c) }),
            raw,
        })
    }

    /// Nothing was sampled away and nothing was lost: every total is exact to the byte.
    pub fn is_exact(&self) -> bool {
        unsafe { ffi::memscope_analysis_is_exact(self.raw.0.as_ptr()) != 0 }
    }

    /// A thread held the collection up: its last events may be missing.
    pub fn is_partial(&self) -> bool {
        unsafe { ffi::memscope_analysis_is_partial(self.raw.0.as_ptr()) != 0 }
    }

    /// What recording it cost.
    pub fn measurement(&self) -> Measurement {
        let measurement = entry(|ret| unsafe { ffi::memscope_analysis_measurement(self.raw.0.as_ptr(), ret) });
        Measurement::from_c(&measurement.unwrap_or_default())
    }

    pub(super) fn as_c(&self) -> *const ffi::Analysis {
        self.raw.0.as_ptr()
    }

    /// The places that allocate, the one with most bytes at the peak first.
    pub fn sites(&self) -> impl Iterator<Item = Site> + '_ {
        let c = self.raw.0.as_ptr();
        (0..unsafe { ffi::memscope_analysis_site_n(c) }).filter_map(move |i| {
            let site: ffi::Site = entry(|ret| unsafe { ffi::memscope_analysis_site(c, i, ret) })?;
            let frames = (0..site.frame_n as usize)
                .filter_map(|frame| entry(|ret| unsafe { ffi::memscope_analysis_frame(c, i, frame, ret) }))
                .map(|frame: ffi::Frame| Frame {
                    function: ffi::string(frame.function),
                    file: ffi::string(frame.file),
                    module: ffi::string(frame.module),
                    line: frame.line,
                    is_inlined: frame.inlined != 0,
                    offset: frame.offset,
                })
                .collect();
            Some(Site {
                function: ffi::string(site.function),
                file: ffi::string(site.file),
                module: ffi::string(site.module),
                line: site.line,
                allocations: site.alloc_n,
                allocated_bytes: site.alloc_bytes,
                live_blocks: site.live_n,
                live_bytes: site.live_bytes,
                peak_bytes: site.peak_bytes,
                temporary: site.temporary_n,
                frames,
            })
        })
    }

    /// The threads, in the order in which they were seen.
    pub fn threads(&self) -> impl Iterator<Item = Thread> + '_ {
        let c = self.raw.0.as_ptr();
        (0..unsafe { ffi::memscope_analysis_thread_n(c) }).filter_map(move |i| {
            let thread: ffi::Thread = entry(|ret| unsafe { ffi::memscope_analysis_thread(c, i, ret) })?;
            Some(Thread {
                name: ffi::string(thread.name),
                pid: thread.pid,
                tid: thread.tid,
                allocations: thread.alloc_n,
                allocated_bytes: thread.alloc_bytes,
                live_bytes: thread.live_bytes,
                peak_bytes: thread.peak_bytes,
            })
        })
    }

    /// The tasks; what ran outside of any task is none.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        let c = self.raw.0.as_ptr();
        (0..unsafe { ffi::memscope_analysis_task_n(c) }).filter_map(move |i| {
            let task: ffi::Task = entry(|ret| unsafe { ffi::memscope_analysis_task(c, i, ret) })?;
            Some(Task {
                name: ffi::string(task.name),
                runtime: ffi::string(task.runtime),
                id: task.id,
                polls: task.poll_n,
                busy: Duration::from_nanos(task.busy_ns),
                has_ended: task.ended_ns != 0,
                allocations: task.alloc_n,
                allocated_bytes: task.alloc_bytes,
                live_bytes: task.live_bytes,
                peak_bytes: task.peak_bytes,
            })
        })
    }

    /// The time line, the earliest slice first.
    pub fn timeline(&self) -> impl Iterator<Item = Slice> + '_ {
        let c = self.raw.0.as_ptr();
        (0..unsafe { ffi::memscope_analysis_slice_n(c) }).filter_map(move |i| {
            let slice: ffi::Slice = entry(|ret| unsafe { ffi::memscope_analysis_slice(c, i, ret) })?;
            Some(Slice {
                start: Duration::from_nanos(slice.start_ns),
                end: Duration::from_nanos(slice.end_ns),
                live_bytes: slice.live_bytes,
                high_bytes: slice.high_bytes,
                allocations: slice.alloc_n,
                allocated_bytes: slice.alloc_bytes,
                frees: slice.free_n,
                freed_bytes: slice.free_bytes,
                rss_bytes: (slice.rss_bytes != 0).then_some(slice.rss_bytes),
            })
        })
    }

    /// The marks, the earliest first.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        let c = self.raw.0.as_ptr();
        (0..unsafe { ffi::memscope_analysis_mark_n(c) }).filter_map(move |i| {
            let mark: ffi::MarkEntry = entry(|ret| unsafe { ffi::memscope_analysis_mark(c, i, ret) })?;
            Some(Mark { at: Duration::from_nanos(mark.at_ns), kind: ffi::string(mark.kind), text: ffi::string(mark.text) })
        })
    }

    /// Writes an export, "json", "html", "svg", "pprof", "folded", "speedscope" or "mscope", to a file.
    ///
    /// # Errors
    /// For an unknown format, a file that cannot be written, a `memscope` command that cannot be started.
    pub fn export(&self, format: &str, path: impl AsRef<Path>) -> Result<()> {
        let format = words(format)?;
        let path =
            CString::new(path.as_ref().as_os_str().as_bytes()).map_err(|_| Error::new(ErrorKind::Invalid, "the path holds a zero byte"))?;
        check(|error| unsafe { ffi::memscope_analysis_export(self.raw.0.as_ptr(), format.as_ptr(), path.as_ptr(), error) })
    }

    /// The same into memory.
    ///
    /// # Errors
    /// As [`MemoryAnalysis::export`].
    pub fn export_bytes(&self, format: &str) -> Result<Vec<u8>> {
        let format = words(format)?;
        let mut buffer = null_mut();
        check(|error| unsafe { ffi::memscope_analysis_export_memory(self.raw.0.as_ptr(), format.as_ptr(), &mut buffer, error) })?;
        let mut bytes = 0;
        let data = unsafe { ffi::memscope_buffer_bytes(buffer, &mut bytes) };
        let copy = if data.is_null() { Vec::new() } else { unsafe { std::slice::from_raw_parts(data.cast::<u8>(), bytes) }.to_vec() };
        unsafe { ffi::memscope_buffer_free(buffer) };
        Ok(copy)
    }
}

fn words(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(ErrorKind::Invalid, "a name holds a zero byte"))
}

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe { ffi::memscope_analysis_free(self.0.as_ptr()) };
    }
}
