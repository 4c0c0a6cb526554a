// SPDX-License-Identifier: Apache-2.0
//! A plain Rust program that is started by `cargo run`.

use std::collections::HashMap;

fn main() {
    let mut words: HashMap<String, Vec<usize>> = HashMap::new();
    for i in 0..20_000usize {
        words.entry(format!("word {}", i % 997)).or_default().push(i);
    }
    println!("my_app: {} words", words.len());
}

#[cfg(test)]
mod tests {
    /// `memscope run cargo test` needs a test that allocates.
    #[test]
    fn words_are_counted() {
        let words: Vec<String> = (0..1000).map(|i| format!("word {i}")).collect();
        assert_eq!(words.len(), 1000);
    }
}
