//! What a disk of squall's costs: run with `--ignored figures`.

use crate::stage::Stage;
use squall_targets::disk::Model;
use std::time::Instant;

const SYNCS: &str = "200";
const MIB: &str = "256";

pub async fn all() {
    let stage = Stage::up(Model::default()).await;
    let (over, under) = (stage.data(), stage.node().dir.join("under"));
    std::fs::create_dir(&under).unwrap();
    for (name, folder) in [("underneath", under), ("through the disk", over)] {
        let file = format!("of={}", folder.join("figures").display());
        let mut told = Vec::new();
        for options in
            [["bs=4k", &format!("count={SYNCS}"), "oflag=dsync"], ["bs=1M", &format!("count={MIB}"), "conv=fsync"]]
        {
            let begin = Instant::now();
            let output = stage.command(&[&["dd", "if=/dev/zero", &file][..], &options].concat()).await;
            assert_eq!(
                output.exit,
                squall_targets::remote::Exit::Code(0),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            told.push(begin.elapsed());
        }
        let sync_ms = told[0].as_secs_f64() * 1e3 / SYNCS.parse::<f64>().unwrap();
        let mib_s = MIB.parse::<f64>().unwrap() / told[1].as_secs_f64();
        println!("{name}: a synced write of 4 KiB {sync_ms:.2} ms, sequential {mib_s:.0} MiB/s");
    }
    stage.steps(&["write a hello", "write b hello", "sync b"]).await;
    let begin = Instant::now();
    let loss = stage.lose_power(None).await;
    println!("power off and on: {:.1} ms ({loss})", begin.elapsed().as_secs_f64() * 1e3);
}
