// SPDX-License-Identifier: Apache-2.0
//! Records a piece of work and says what it allocated.

use memscope_rs::unified::unified_quick_start;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = unified_quick_start()?;
    let session = backend.start_tracking()?;
    let words: Vec<String> = (0..10_000).map(|i| format!("word {i}")).collect();
    let analysis = session.collect_data()?;
    let totals = &analysis.statistics;
    println!(
        "{} with {}: {} words are {} bytes in {} blocks",
        session.session_id(),
        analysis.strategy,
        words.len(),
        totals.live_bytes,
        totals.live_blocks
    );
    for site in analysis.sites().take(3) {
        println!("  {:>10} bytes  {} ({}:{})", site.live_bytes, site.function, site.file, site.line);
    }
    Ok(())
}
