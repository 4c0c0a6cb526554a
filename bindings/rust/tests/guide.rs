// SPDX-License-Identifier: Apache-2.0
//! Runs each of the guide's programs as a process of its own: one process has one recording.

use std::path::PathBuf;
use std::process::Command;

/// Examples lie beside the folder of the test's own executable.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the test has a path");
    let folder: PathBuf = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps").join("examples");
    Command::new(folder.join(name))
}

fn run(name: &str) -> String {
    let output = example(name).output().unwrap_or_else(|error| panic!("{name}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn core_types() {
    assert!(run("guide_backend").contains("Session ID: session_"));
}

#[test]
fn environment_detection() {
    let said = run("guide_environment");
    assert!(said.contains("Single-threaded environment"), "{said}");
    assert!(said.contains("Confidence: 0.") || said.contains("Confidence: 1."), "{said}");
}

#[test]
fn manual_strategy() {
    run("guide_manual");
}

#[test]
fn basic_integration() {
    assert!(run("guide_quick_start").contains("[2, 4, 6, 8, 10]"));
}

#[test]
fn async_integration() {
    assert!(run("guide_tokio").contains("Completed 10 tasks"));
}

#[test]
fn a_tokio_program_counts_the_same() {
    assert!(run("counted_tokio").contains("the program counted"));
}

#[test]
fn threads_integration() {
    assert!(run("guide_threads").contains("Thread results: [0, 1024, 2048, 3072]"));
}

#[test]
fn custom_strategy() {
    run("guide_strategies");
}

#[test]
fn measured_strategy() {
    let said = run("measured_strategy");
    assert!(said.contains("2 sessions of \"mine\""), "{said}");
}

#[test]
fn migration() {
    run("guide_migration");
}

#[test]
fn basic_example() {
    let said = run("basic");
    assert!(said.contains("10000 words"), "{said}");
}
