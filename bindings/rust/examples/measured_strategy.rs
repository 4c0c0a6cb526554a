// SPDX-License-Identifier: Apache-2.0
//! A factory's backends note what their sessions cost; here against what the program itself counts and clocks.

use memscope_rs::unified::strategies::StrategyFactory;
use memscope_rs::unified::{BackendConfig, Measurement, TrackingStrategy};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

struct Counted;

static EVENTS: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        EVENTS.fetch_add(1, Relaxed);
        System.alloc(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        EVENTS.fetch_add(1, Relaxed);
        System.dealloc(block, layout)
    }
}

#[global_allocator]
static COUNTED: Counted = Counted;

/// A session of the factory's strategy, ended or left to the backend: what was measured, and our own clock and count.
fn session(factory: &mut StrategyFactory, left_to_backend: bool) -> Result<(Measurement, Duration, u64), memscope_rs::Error> {
    let config = BackendConfig { max_overhead_percent: 100.0, ..BackendConfig::default() };
    let backend = factory.backend("mine", config)?;
    let begin = Instant::now();
    let session = backend.start_tracking()?;
    let started = begin.elapsed();
    let before = EVENTS.load(Relaxed);
    for i in 0..10_000u64 {
        std::hint::black_box(Box::new(i));
    }
    // Work of the program's own, without which there is nothing to compare the cost with.
    let busy = Instant::now();
    while busy.elapsed() < Duration::from_millis(200) {
        std::hint::spin_loop();
    }
    let counted = EVENTS.load(Relaxed) - before;
    let analysis = if left_to_backend { backend.shutdown()? } else { session.end_session()? };
    assert!(analysis.is_exact());
    Ok((analysis.measurement(), started, counted))
}

fn main() -> Result<(), memscope_rs::Error> {
    let mut factory = StrategyFactory::new();
    factory.add_strategy("mine", TrackingStrategy::ThreadLocal, None, None)?;
    assert_eq!(factory.measurement("mine"), None);

    let mut init_us = 0.0;
    let mut events = 0;
    for left_to_backend in [false, true] {
        let (measured, started, counted) = session(&mut factory, left_to_backend)?;
        assert_eq!(measured.strategy, TrackingStrategy::ThreadLocal);
        assert!(measured.is_complete);
        // The crate itself makes a few strings in between.
        assert!((counted..counted + 16).contains(&measured.events), "{measured:?}, counted {counted}");
        let init = measured.init_time.expect("the start is always clocked");
        assert!(init <= started && init * 10 > started, "{init:?} of {started:?}");
        assert!(measured.overhead_percent > Some(0.0) && measured.event_cpu_ns > Some(0.0), "{measured:?}");
        assert!(measured.hook_p99_ns >= measured.hook_p50_ns && measured.tracker_bytes > Some(0), "{measured:?}");
        init_us += init.as_secs_f64() * 1e6;
        events += measured.events;
    }

    let performance = factory.performance("mine").expect("it was used");
    assert_eq!((performance.session_count, performance.success_rate), (2, 1.0));
    assert!((performance.avg_init_time_us - init_us / 2.0).abs() < 1.0, "{performance:?}");
    assert!(performance.avg_overhead_percent > 0.0);
    assert!(performance.satisfaction_score.is_nan(), "nobody has told it");
    assert_eq!(factory.measurement("mine").map(|all| all.events), Some(events));
    assert_eq!(factory.history().len(), 2);
    println!(
        "{} sessions of \"mine\": {:.1} % added, {:.0} us to start",
        performance.session_count, performance.avg_overhead_percent, performance.avg_init_time_us
    );
    Ok(())
}
