// SPDX-License-Identifier: Apache-2.0
//! Ground truth for Tokio: every allocation that counts has a size that names the task which made
//! it and the step, and the program prints what each task allocated and who spawned it.
//!
//!     size = BASE + task * STEPS + step
//!
//! Task 0 is everything outside of a task. Lines of output: `task N count bytes parent`, where a
//! parent of -1 says that there is none to be checked.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static JEMALLOC: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const BASE: usize = 100_000;
const STEPS: usize = 256;
const MOST: usize = 1024;

static COUNT: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
static BYTES: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
static PARENT: [AtomicUsize; MOST] = [const { AtomicUsize::new(usize::MAX) }; MOST];
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// A new task number, to be spawned by task `parent`.
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

/// Allocates when it is dropped.
struct Guard(usize, usize);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(alloc(self.0, self.1));
    }
}

async fn steps(n: usize, count: usize) {
    for step in 0..count {
        let kept = alloc(n, step);
        tokio::task::yield_now().await;
        drop(alloc(n, step));
        drop(kept);
    }
}

async fn child(n: usize) -> usize {
    steps(n, 5).await;
    n
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

fn boxed(n: usize) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move { steps(n, 7).await })
}

async fn join_set(n: usize) {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..5 {
        set.spawn(child(number(n)));
    }
    drop(alloc(n, 1));
    while set.join_next().await.is_some() {
        drop(alloc(n, 2));
    }
}

async fn select(n: usize) {
    for step in 0..10 {
        tokio::select! {
            _ = steps(n, 3) => drop(alloc(n, step)),
            _ = steps(n, 4) => drop(alloc(n, step + 10)),
        }
    }
}

async fn unordered(n: usize) {
    let mut all: FuturesUnordered<_> = (0..10).map(|i| steps(n, i)).collect();
    while all.next().await.is_some() {
        drop(alloc(n, 20));
    }
}

async fn large(n: usize) {
    let room = [1u8; 20_000];
    steps(n, 5).await;
    black_box(&room);
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

async fn timers(n: usize) {
    for step in 0..5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        drop(alloc(n, step));
    }
}

async fn echo(n: usize) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server_n = number(n);
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut byte = [0u8; 1];
        while socket.read(&mut byte).await.unwrap() == 1 {
            drop(alloc(server_n, 1));
            socket.write_all(&byte).await.unwrap();
        }
    });
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    for step in 0..20 {
        drop(alloc(n, step));
        socket.write_all(b"x").await.unwrap();
        let mut byte = [0u8; 1];
        socket.read_exact(&mut byte).await.unwrap();
    }
    drop(socket);
    server.await.unwrap();
}

async fn channel(n: usize) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    let sender_n = number(n);
    tokio::spawn(async move {
        for step in 0..50 {
            if sender.send(alloc(sender_n, step)).await.is_err() {
                return;
            }
        }
    });
    while let Some(received) = receiver.recv().await {
        drop(alloc(n, 1));
        drop(received);
    }
}

async fn nested(n: usize) {
    drop(alloc(n, 1));
    tokio::task::block_in_place(|| {
        drop(alloc(n, 2));
        tokio::runtime::Handle::current().block_on(async {
            drop(alloc(n, 3));
            tokio::time::sleep(Duration::from_millis(2)).await;
            drop(alloc(n, 4));
        });
    });
    steps(n, 3).await;
}

/// Finishes with a value whose drop allocates: in the task when nobody wants it any more.
async fn leaves(n: usize) -> Guard {
    drop(alloc(n, 1));
    Guard(n, 50)
}

async fn family(n: usize) {
    drop(alloc(n, 1));
    let mut all = Vec::new();
    for _ in 0..4 {
        let c = number(n);
        all.push(tokio::spawn(async move {
            let grandchild = number(c);
            let handle = tokio::spawn(child(grandchild));
            drop(alloc(c, 1));
            handle.await.unwrap();
        }));
    }
    for handle in all {
        handle.await.unwrap();
    }
}

async fn blocking(parent: usize) {
    let mut all = Vec::new();
    for _ in 0..6 {
        let n = number(parent);
        all.push(tokio::task::spawn_blocking(move || {
            for step in 0..10 {
                drop(alloc(n, step));
            }
        }));
    }
    for handle in all {
        handle.await.unwrap();
    }
}

async fn blocking_parent(n: usize) {
    drop(alloc(n, 1));
    blocking(n).await
}

/// Tasks that end otherwise than by running through.
macro_rules! ends {
    ($spawn:path) => {{
        if cfg!(panic = "unwind") {
            let failed = $spawn(panics(number(0)));
            assert!(failed.await.is_err());
        }
        let aborted = $spawn(pending(number(0)));
        tokio::time::sleep(Duration::from_millis(2)).await;
        aborted.abort();
        assert!(aborted.await.is_err());
        drop($spawn(leaves(number(0))));
        let finished = $spawn(leaves(number(0)));
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(finished);
        for _ in 0..3 {
            $spawn(pending(number(0)));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }};
}

async fn all(threads: bool) {
    let mut handles = Vec::new();
    macro_rules! spawn {
        ($f:expr) => {{
            let n = number(0);
            #[allow(clippy::redundant_closure_call)]
            handles.push(tokio::spawn(($f)(n)));
        }};
    }
    drop(alloc(0, 1));
    for _ in 0..40 {
        spawn!(|n| steps(n, 50));
    }
    spawn!(join_set);
    spawn!(select);
    spawn!(unordered);
    spawn!(large);
    spawn!(timers);
    spawn!(echo);
    spawn!(channel);
    spawn!(family);
    spawn!(|n| Manual { n, left: 9 });
    spawn!(boxed);
    if threads {
        spawn!(nested);
    }
    spawn!(blocking_parent);
    blocking(0).await;
    for handle in handles {
        handle.await.unwrap();
    }
    drop(alloc(0, 2));
    ends!(tokio::spawn);
    for _ in 0..200 {
        drop(tokio::spawn(child(number(0))));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn local_join_set(n: usize) {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..5 {
        set.spawn_local(child(number(n)));
    }
    while set.join_next().await.is_some() {
        drop(alloc(n, 2));
    }
}

async fn local_family(n: usize) {
    let inner = number(n);
    tokio::task::spawn_local(steps(inner, 3)).await.unwrap();
    drop(alloc(n, 1));
}

async fn local() {
    let mut handles = Vec::new();
    macro_rules! spawn {
        ($f:expr) => {{
            let n = number(0);
            handles.push(tokio::task::spawn_local(($f)(n)));
        }};
    }
    drop(alloc(0, 1));
    for _ in 0..10 {
        handles.push(tokio::task::spawn_local(steps(number(0), 20)));
    }
    spawn!(local_family);
    spawn!(local_join_set);
    spawn!(join_set);
    spawn!(select);
    spawn!(unordered);
    spawn!(large);
    spawn!(timers);
    spawn!(echo);
    spawn!(channel);
    spawn!(family);
    spawn!(boxed);
    spawn!(blocking_parent);
    handles.push(tokio::task::spawn_local(Manual { n: number(0), left: 9 }));
    for handle in handles {
        handle.await.unwrap();
    }
    drop(alloc(0, 2));
    ends!(tokio::task::spawn_local);
    tokio::task::spawn_local(pending(number(0)));
    tokio::task::yield_now().await;
}

/// For a host that loads the program as a library.
#[no_mangle]
pub extern "C" fn gt_main() {
    main();
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mode = std::env::args().nth(1).unwrap_or_else(|| "mt".into());
    let mut builder = match mode.as_str() {
        "mt" => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.worker_threads(4).enable_all().build().unwrap();
    if mode == "local" {
        let set = tokio::task::LocalSet::new();
        set.block_on(&runtime, local());
        drop(set);
    } else {
        runtime.block_on(all(mode == "mt"));
    }
    drop(runtime);
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
