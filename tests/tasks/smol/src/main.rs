// SPDX-License-Identifier: Apache-2.0
//! Ground truth for async-task, through smol's and async-std's executors: as the one for Tokio.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use smol::future::yield_now;

const BASE: usize = 100_000;
const STEPS: usize = 256;
const MOST: usize = 1024;

static COUNT: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
static BYTES: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
static PARENT: [AtomicUsize; MOST] = [const { AtomicUsize::new(usize::MAX) }; MOST];
static NEXT: AtomicUsize = AtomicUsize::new(1);

fn number(parent: usize) -> usize {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    PARENT[n].store(parent, Ordering::Relaxed);
    n
}

#[inline(never)]
fn alloc(task: usize, step: usize) -> Vec<u8> {
    let size = BASE + task * STEPS + step % STEPS;
    COUNT[task].fetch_add(1, Ordering::Relaxed);
    BYTES[task].fetch_add(size as u64, Ordering::Relaxed);
    black_box(Vec::with_capacity(size))
}

struct Guard(usize, usize);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(alloc(self.0, self.1));
    }
}

async fn steps(n: usize, count: usize) {
    for step in 0..count {
        let kept = alloc(n, step);
        yield_now().await;
        drop(alloc(n, step));
        drop(kept);
    }
}

struct Manual {
    n: usize,
    left: usize,
}

impl Future for Manual {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        drop(alloc(self.n, self.left));
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn timers(n: usize) {
    for step in 0..5 {
        smol::Timer::after(Duration::from_millis(1)).await;
        drop(alloc(n, step));
    }
}

async fn family(n: usize) {
    drop(alloc(n, 1));
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(smol::spawn(steps(number(n), 5)));
    }
    for child in all {
        child.await;
    }
}

async fn panics(n: usize) {
    let _guard = Guard(n, 30);
    steps(n, 2).await;
    panic!("as planned");
}

async fn pending(n: usize) {
    let _guard = Guard(n, 40);
    drop(alloc(n, 41));
    std::future::pending::<()>().await;
}

async fn smol_all() {
    drop(alloc(0, 1));
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(smol::spawn(steps(number(0), 50)));
    }
    all.push(smol::spawn(timers(number(0))));
    all.push(smol::spawn(family(number(0))));
    all.push(smol::spawn(Manual { n: number(0), left: 9 }));
    for task in all {
        task.await;
    }
    for _ in 0..100 {
        smol::spawn(steps(number(0), 3)).detach();
    }
    let cancelled = smol::spawn(pending(number(0)));
    smol::Timer::after(Duration::from_millis(20)).await;
    cancelled.cancel().await;
    drop(alloc(0, 2));
}

/// An executor of one thread, whose caller sees the panic of a task go through `run`.
fn local() {
    let executor = smol::LocalExecutor::new();
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(executor.spawn(steps(number(0), 20)));
    }
    smol::block_on(executor.run(async {
        for task in all {
            task.await;
        }
    }));
    if cfg!(panic = "unwind") {
        let failed = executor.spawn(panics(number(0)));
        for _ in 0..10 {
            let run = std::panic::AssertUnwindSafe(|| executor.try_tick());
            if std::panic::catch_unwind(run).is_err() {
                drop(alloc(0, 3));
            }
        }
        failed.detach();
    }
    drop(alloc(0, 4));
    executor.spawn(pending(number(0))).detach();
    executor.try_tick();
    drop(executor);
}

async fn std_all() {
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(async_std::task::spawn(steps(number(0), 50)));
    }
    for task in all {
        task.await;
    }
    let cancelled = async_std::task::spawn(pending(number(0)));
    async_std::task::sleep(Duration::from_millis(20)).await;
    cancelled.cancel().await;
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    match std::env::args().nth(1).as_deref() {
        Some("local") => local(),
        Some("std") => async_std::task::block_on(std_all()),
        _ => smol::block_on(smol_all()),
    }
    for n in 0..NEXT.load(Ordering::Relaxed) {
        println!(
            "task {} {} {} {}",
            n,
            COUNT[n].load(Ordering::Relaxed),
            BYTES[n].load(Ordering::Relaxed),
            PARENT[n].load(Ordering::Relaxed) as i64
        );
    }
}
