// SPDX-License-Identifier: Apache-2.0
//! The `memscope` command and libmemscope.so, as files beside the crate's other build results.

use crate::sources::{has_header, Tree};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Header that must be there, the package that brings it on Debian, what the linker takes.
const LIBRARIES: [(&str, &str, &str); 6] = [
    ("elfutils/libdwfl.h", "libdw-dev", "-ldw"),
    ("libelf.h", "libelf-dev", "-lelf"),
    ("libiberty/demangle.h", "libiberty-dev", "-liberty"),
    ("lzma.h", "liblzma-dev", "-llzma"),
    ("zstd.h", "libzstd-dev", "-lzstd"),
    ("zlib.h", "zlib1g-dev", "-lz"),
];
/// The command's folders but for src/symbol, which exists twice.
const FOLDERS: [&str; 8] = ["base", "recording", "launch", "heap", "collect", "analyze", "export", "cli"];
/// What belongs to another target.
const NOT_THE_TOOL: [&str; 1] = ["arrive.c"];
/// What src/symbol reads files with: libraries of the system's, or crates.
const BY_LIBRARIES: [&str; 7] = ["object.c", "names_table.c", "debug.c", "unit.c", "scope.c", "demangle.c", "minidebug-lzma.c"];
const BY_CRATES: [&str; 1] = ["crates.c"];
const BY_NOTHING: [&str; 1] = ["minidebug-none.c"];

/// The command of MEMSCOPE_BUILD, copied with its library.
pub fn take(out: &Path) -> Option<PathBuf> {
    let built = PathBuf::from(env::var_os("MEMSCOPE_BUILD")?);
    let from = [built.join("src/cli/memscope"), built.join("src/capture/libmemscope.so")];
    if !from.iter().all(|path| path.is_file()) {
        return None;
    }
    let exe = out.join("memscope");
    for (from, to) in from.iter().zip([&exe, &out.join("libmemscope.so")]) {
        println!("cargo:rerun-if-changed={}", from.display());
        replace(from, to);
    }
    Some(exe)
}

/// Builds the command with the system's libraries, beside its library. None, with a warning, where a header is
/// missing: programs then need a `memscope` in PATH, such as the one that `cargo install` brings.
pub fn build(tree: &Tree, out: &Path) -> Option<PathBuf> {
    let missing: Vec<&str> = LIBRARIES.iter().filter(|l| !has_header(l.0, out)).map(|l| l.1).collect();
    if !missing.is_empty() {
        println!(
            "cargo:warning=no memscope command is built for programs that use the crate: they need the one of `cargo install` in PATH, or here: apt-get install {}",
            missing.join(" ")
        );
        return None;
    }
    let exe = out.join("memscope");
    link_library(tree, &out.join("libmemscope.so"), out);
    let mut build = tool(tree, out);
    build.files(symbol_files(tree, &BY_CRATES));
    let mut arguments: Vec<&str> = LIBRARIES.iter().map(|l| l.2).collect();
    arguments.extend(["-lm", "-lpthread"]);
    link(tree, &build, out.join("tool"), &exe, &arguments);
    Some(exe)
}

/// Builds the command as an archive for the crate's executable, and the library that this carries.
pub fn build_command(tree: &Tree, out: &Path) {
    link_library(tree, &out.join("libmemscope.so"), out);
    let mut build = tool(tree, out);
    build.files(symbol_files(tree, &BY_LIBRARIES)).define("main", "memscope_main");
    for dependency in ["DEP_ZSTD_INCLUDE", "DEP_Z_INCLUDE"] {
        for folder in env::split_paths(&env::var_os(dependency).unwrap_or_default()) {
            build.include(folder);
        }
    }
    build.out_dir(out.join("command")).compile("memscope_command");
    println!("cargo:rustc-link-search=native={}", out.join("command").display());
}

/// The files of src/symbol without those of the other way to read files.
fn symbol_files(tree: &Tree, others: &[&str]) -> Vec<PathBuf> {
    let mut files = tree.files("symbol", &["c"]);
    files.retain(|path| !others.iter().chain(&BY_NOTHING).any(|name| path.ends_with(name)));
    files
}

/// All of the command's files but for src/symbol.
fn tool(tree: &Tree, out: &Path) -> cc::Build {
    let mut build = tree.compiler();
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    build.define("MEMSCOPE_VERSION_TEXT", Some(format!("\"{version}\"").as_str()));
    let page = report_page(tree, out);
    build.define("REPORT_TEMPLATE", Some(format!("\"{}\"", page.display()).as_str())).include(out);
    for folder in FOLDERS {
        let files = tree.files(folder, &["c", "S"]);
        build.files(files.into_iter().filter(|path| !NOT_THE_TOOL.iter().any(|name| path.ends_with(name))));
    }
    build
}

/// Copies a file that may be running: the old one is replaced, not written into.
fn replace(from: &Path, to: &Path) {
    let part = to.with_extension("part");
    fs::copy(from, &part).and_then(|_| fs::rename(&part, to)).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} failed");
}

fn link(tree: &Tree, what: &cc::Build, folder: PathBuf, output: &Path, arguments: &[&str]) {
    fs::create_dir_all(&folder).expect("OUT_DIR can be written");
    let mut what = what.clone();
    let objects = what.out_dir(&folder).compile_intermediates();
    let mut command = tree.compiler().get_compiler().to_command();
    command.args(objects).args(arguments).arg("-o").arg(output.with_extension("part"));
    run(&mut command);
    fs::rename(output.with_extension("part"), output).expect("OUT_DIR can be written");
}

fn link_library(tree: &Tree, library: &Path, out: &Path) {
    let map = format!("-Wl,--version-script={}", tree.root.join("src/api/memscope.map").display());
    let arguments = ["-shared", &map, "-Wl,-soname,libmemscope.so", "-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,-z,noexecstack"];
    link(tree, &tree.capture(""), out.join("library"), library, &arguments);
}

/// The HTML report's page: from the package, or built by node; else empty, and `-e html` says so.
fn report_page(tree: &Tree, out: &Path) -> PathBuf {
    let page = out.join("report.html");
    let header = out.join("report_template.h");
    let packaged = tree.root.join("report.html");
    if packaged.is_file() {
        replace(&packaged, &page);
        fs::write(&header, "#define REPORT_TEMPLATE_SUM 0\n").expect("OUT_DIR can be written");
        return page;
    }
    let script = tree.root.join("src/export/template.sh");
    run(Command::new("sh").arg(script).arg(tree.root.join("web")).arg(&page).arg(&header).arg("auto"));
    page
}
