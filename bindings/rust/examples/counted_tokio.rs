// SPDX-License-Identifier: Apache-2.0
//! A Tokio program that counts its own allocations, and finds what it counted in the statistics, to the byte.

use memscope_rs::unified::{BackendConfig, TrackingStrategy, UnifiedBackend};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

/// The system's allocator, counted as valgrind does: a realloc is an allocation of the new size and a free.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static FREES: AtomicU64 = AtomicU64::new(0);

fn count(bytes: usize) {
    ALLOCATIONS.fetch_add(1, SeqCst);
    BYTES.fetch_add(bytes as u64, SeqCst);
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        System.alloc(layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        System.alloc_zeroed(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        FREES.fetch_add(1, SeqCst);
        System.dealloc(block, layout)
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        FREES.fetch_add(1, SeqCst);
        System.realloc(block, layout, bytes)
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn counted() -> [u64; 3] {
    [ALLOCATIONS.load(SeqCst), BYTES.load(SeqCst), FREES.load(SeqCst)]
}

/// What was counted once the workers have come to rest: they free a task after those who wait for it go on.
fn settled() -> [u64; 3] {
    loop {
        let before = counted();
        std::thread::sleep(std::time::Duration::from_millis(50));
        if counted() == before {
            return before;
        }
    }
}

/// One task's work: blocks that grow, live across a wait, and go to another task.
async fn work(i: usize, to: tokio::sync::mpsc::Sender<Vec<u8>>) {
    let mut words = Vec::new();
    for n in 0..i % 50 {
        words.push(format!("{i}:{n}"));
        tokio::task::yield_now().await;
    }
    to.send(words.concat().into_bytes()).await.expect("the receiver lives");
}

async fn round(tasks: usize) -> usize {
    let (to, mut from) = tokio::sync::mpsc::channel(16);
    let spawned: Vec<_> = (0..tasks).map(|i| tokio::spawn(work(i, to.clone()))).collect();
    drop(to);
    let mut bytes = 0;
    while let Some(block) = from.recv().await {
        bytes += block.len();
    }
    for task in spawned {
        task.await.expect("no task panics");
    }
    bytes
}

/// Both workers at once: what a thread, or libc for it, allocates the first time is there afterwards.
async fn warm() {
    let barrier = Arc::new(Barrier::new(2));
    let both: Vec<_> = (0..2)
        .map(|_| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait();
            })
        })
        .collect();
    for one in both {
        one.await.expect("no task panics");
    }
    round(200).await;
}

const WINDOWS_MAX: usize = 6;
const LIBC_DESTRUCTOR_BYTES: u64 = 32;

/// Allocations, their bytes and frees of a round: as the program and as memscope counted them.
fn window(runtime: &tokio::runtime::Runtime, backend: &UnifiedBackend) -> Result<([u64; 3], [u64; 3]), Box<dyn std::error::Error>> {
    let before = settled();
    let from = backend.collect_data()?.statistics;
    runtime.block_on(round(2000));
    let after = settled();
    let to = backend.collect_data()?.statistics;
    assert!(to.lost == 0 && to.sample_rate >= 1.0);
    let frees = to.frees + to.unknown_frees - from.frees - from.unknown_frees;
    let memscope = [to.allocations - from.allocations, to.allocated_bytes - from.allocated_bytes, frees];
    Ok(([after[0] - before[0], after[1] - before[1], after[2] - before[2]], memscope))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = BackendConfig {
        auto_detect: false,
        force_strategy: Some(TrackingStrategy::AsyncOptimized),
        sample_rate: 1.0,
        max_overhead_percent: 100.0,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let backend = UnifiedBackend::initialize(config)?;
    let _session = backend.start_tracking()?;
    runtime.block_on(warm());

    for _ in 0..WINDOWS_MAX {
        let (program, memscope) = window(&runtime, &backend)?;
        println!("the program counted {program:?}, memscope {memscope:?}");
        assert!(program[0] > 2000);
        if program == memscope {
            return Ok(());
        }
        // When a thread gets its first value of a thread-local with a destructor, libc allocates for it, past Rust.
        let by_libc = memscope[0] - program[0];
        assert_eq!([by_libc * LIBC_DESTRUCTOR_BYTES, 0], [memscope[1] - program[1], memscope[2] - program[2]]);
    }
    Err("libc allocated in every window".into())
}
