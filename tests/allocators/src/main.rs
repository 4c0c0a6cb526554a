// SPDX-License-Identifier: Apache-2.0
// A Tokio server with an allocator of its own choice, which counts what it asks of that: it keeps
// and drops what clients tell it to, and at the end prints its counts and the allocator's own.
use std::alloc::{GlobalAlloc, Layout};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[cfg(feature = "jemalloc")]
static INNER: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
#[cfg(feature = "mimalloc")]
static INNER: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static FREES: AtomicU64 = AtomicU64::new(0);
static REALLOCS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);

fn count(word: &AtomicU64, size: usize) {
    word.fetch_add(1, Relaxed);
    BYTES.fetch_add(size as u64, Relaxed);
    LIVE.fetch_add(size as u64, Relaxed);
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&CALLS, layout.size());
        INNER.alloc(layout)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(&CALLS, layout.size());
        INNER.alloc_zeroed(layout)
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        FREES.fetch_add(1, Relaxed);
        LIVE.fetch_sub(layout.size() as u64, Relaxed);
        INNER.dealloc(block, layout)
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(&REALLOCS, size);
        LIVE.fetch_sub(layout.size() as u64, Relaxed);
        INNER.realloc(block, layout, size)
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

type Store = Arc<Mutex<HashMap<u64, Vec<u8>>>>;

#[inline(never)]
fn kept(size: usize) -> Vec<u8> {
    vec![b'k'; size]
}

/// `keep KEY SIZE`, `drop KEY`, `stop`: a line each, answered by a line.
async fn serve(client: TcpStream, store: Store) -> bool {
    let (from, mut to) = client.into_split();
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |i: usize| words.get(i).and_then(|word| word.parse().ok()).unwrap_or(0);
        match words[0] {
            "keep" => {
                let value = kept(number(2) as usize);
                store.lock().unwrap().insert(number(1), value);
            }
            "drop" => {
                store.lock().unwrap().remove(&number(1));
            }
            _ => return true,
        }
        if to.write_all(b"done\n").await.is_err() {
            break;
        }
    }
    false
}

/// What the allocator itself says is allocated; 0 where it does not tell.
fn allocated() -> usize {
    #[cfg(feature = "jemalloc")]
    {
        tikv_jemalloc_ctl::epoch::advance().unwrap();
        return tikv_jemalloc_ctl::stats::allocated::read().unwrap();
    }
    #[cfg(not(feature = "jemalloc"))]
    0
}

async fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let store: Store = Arc::default();
    let (ended, mut end) = tokio::sync::mpsc::channel(1);
    loop {
        tokio::select! {
            client = listener.accept() => {
                let (store, ended) = (store.clone(), ended.clone());
                tokio::spawn(async move {
                    if serve(client.unwrap().0, store).await {
                        ended.send(()).await.unwrap();
                    }
                });
            }
            _ = end.recv() => break,
        }
    }
    // What ends by itself has ended then.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let said = allocated();
    println!(
        "{} {} {} {} {} {said}",
        CALLS.load(Relaxed),
        REALLOCS.load(Relaxed),
        BYTES.load(Relaxed),
        FREES.load(Relaxed),
        LIVE.load(Relaxed)
    );
    std::process::exit(0);
}

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_all()
        .build()
        .unwrap()
        .block_on(run());
}
