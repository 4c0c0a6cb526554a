# SPDX-License-Identifier: Apache-2.0
"""A crate with a build script, a procedural macro and doctests under cargo: what it counts itself
is all that is recorded, for cargo and its tools are passed over."""

import os
import re
import shutil
from pathlib import Path

import execute
from case import Case, Ground
from oracle_strace import traced

FILES = {
    "Cargo.toml": """[package]
name = "counted"
version = "0.1.0"
edition = "2021"
[dependencies]
seven = { path = "seven" }
""",
    "build.rs": """fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(out + "/n.rs", "pub const N: usize = 1000;").unwrap();
}
""",
    "seven/Cargo.toml": """[package]
name = "seven"
version = "0.1.0"
edition = "2021"
[lib]
proc-macro = true
""",
    "seven/src/lib.rs": """#[proc_macro]
pub fn seven(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    "7".parse().unwrap()
}
""",
    "src/main.rs": """fn main() {
    counted::work(counted::N * seven::seven!());
    println!("worked");
    std::process::exit(5);
}
""",
    # The page is that of tests/targets/ground.h.
    "src/lib.rs": r"""use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};
include!(concat!(env!("OUT_DIR"), "/n.rs"));

extern "C" {
    fn getenv(name: *const i8) -> *const i8;
    fn open(path: *const i8, flags: i32, ...) -> i32;
    fn close(fd: i32) -> i32;
    fn mmap(at: *mut u8, n: usize, prot: i32, flags: i32, fd: i32, from: i64) -> *mut AtomicU64;
}

static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

fn count(word: usize, n: usize) {
    unsafe {
        if PAGE.load(Relaxed).is_null() {
            let fd = open(getenv(c"GROUND".as_ptr()), 2);
            PAGE.store(mmap(std::ptr::null_mut(), 4096, 3, 1, fd, 0), Relaxed);
            close(fd);
        }
        (*PAGE.load(Relaxed).add(word)).fetch_add(n as u64, Relaxed);
    }
}

struct Counting;
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, 1);
        count(1, layout.size());
        System.alloc(layout)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, 1);
        count(1, layout.size());
        System.alloc_zeroed(layout)
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(2, 1);
        System.dealloc(block, layout)
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(3, 1);
        count(1, size);
        System.realloc(block, layout, size)
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Works the heap.
///
/// ```
/// assert_eq!(counted::work(300), 300);
/// ```
///
/// ```
/// assert_eq!(counted::work(400), 400);
/// ```
pub fn work(n: usize) -> usize {
    (0..n).map(|i| std::hint::black_box(vec![i; i % 50 + 1]).len().min(1)).sum()
}

#[test]
fn works() {
    assert_eq!(work(500), 500);
}

#[test]
fn works_on_another_thread() {
    assert_eq!(std::thread::spawn(|| work(600)).join().unwrap(), 600);
}
""",
}


def crate_made(work):
    for name, text in FILES.items():
        path = work.run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def times_off(data):
    return re.sub(rb"finished in [0-9.]+s", b"finished", re.sub(
        rb"all doctests ran in [^\n]*\n+", b"", data))


CARGO = shutil.which("cargo")
ENV = {"PATH": f"{Path(CARGO).parent if CARGO else '/usr/bin'}:{execute.BASE_PATH}",
       "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
       "CARGO_HOME": "{work}/cargo", "GROUND": "{counts}"}


def cargo(name, *words, extra_n, **more):
    """extra_n: what libc allocates for each process and thread (its stack's bounds, its dtv)."""
    return traced(Case("tree-cargo-" + name, ("cargo", *words), env=ENV, prepare=crate_made,
                needs=("cmd:cargo",), timeout_s=120, modes=("",), clean=times_off,
                ground=Ground(extra_n=extra_n, extra_bytes=extra_n * 1000, oracle=False), **more))


CASES = (
    cargo("run", "run", "--offline", "-q", status=5, stdout=b"worked\n", extra_n=40, processes=1),
    cargo("test", "test", "--offline", "-q", extra_n=300, processes=3, slow=True),
)
