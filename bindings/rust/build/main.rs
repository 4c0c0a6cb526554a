// SPDX-License-Identifier: Apache-2.0
//! Builds the C library into the crate, and the `memscope` command that collects for it.
//!
//! The library is a static archive: the program that links it exports its malloc, so every allocation of the
//! process, also those of C code in it, passes the hooks. The command and the preloadable library are built
//! beside it. `MEMSCOPE_BUILD` names a build directory of the project to take both from instead.

mod sources;
mod tool;

use std::env;
use std::path::PathBuf;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo:rerun-if-env-changed=MEMSCOPE_BUILD");
    assert!(target.starts_with("x86_64-") && target.contains("linux-gnu"), "memscope works on x86-64 Linux with glibc, not on {target}");
    let tree = sources::Tree::find();
    let tool = tool::build(&tree, &out);
    // The program looks for the command here first; see `memscope_exe` in the crate.
    let exe = tool.map(|t| t.exe.display().to_string()).unwrap_or_default();
    println!("cargo:rustc-env=MEMSCOPE_CRATE_EXE={exe}");
    tree.capture(&exe).compile("memscope_hooks");
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static:+whole-archive,-bundle=memscope_hooks");
}
