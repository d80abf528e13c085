//! Programs that are measured.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bench::network::Network;
use crate::command;
use crate::modiste::Modiste;
use crate::workspace::{self, cargo};

/// Variant of a program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// `modiste bench` with flags and an instruction set.
    Modiste {
        flags: &'static [&'static str],
        kernels: &'static str,
    },
    /// Package in `xtask/peers`, which cargo builds and runs.
    Cargo { folder: &'static str },
    /// Python program in `xtask/peers` and the packages that it needs.
    Python {
        script: &'static str,
        packages: &'static [&'static str],
    },
}

const ALL: [Contender; 9] = [
    modiste("modiste", &[], ""),
    modiste("modiste-exact", &["--exact"], ""),
    modiste("modiste-avx2", &[], "avx2"),
    modiste("modiste-portable", &[], "portable"),
    modiste("candle", &["--engine", "candle", "--device", "cpu"], ""),
    Contender {
        name: "burn",
        kind: Kind::Cargo { folder: "burn" },
    },
    python("torch", "torch_peer.py", &["torch", "numpy"]),
    python("keras", "keras_peer.py", &["tensorflow-cpu", "keras"]),
    python(
        "onnx",
        "onnx_peer.py",
        &["torch", "onnx", "onnxscript", "onnxruntime"],
    ),
];

/// Networks that the packages in `xtask/peers` implement.
const PACKAGED: [&str; 3] = ["vgg", "compact", "bnvgg"];

const fn modiste(
    name: &'static str,
    flags: &'static [&'static str],
    kernels: &'static str,
) -> Contender {
    Contender {
        name,
        kind: Kind::Modiste { flags, kernels },
    }
}

const fn python(
    name: &'static str,
    script: &'static str,
    packages: &'static [&'static str],
) -> Contender {
    Contender {
        name,
        kind: Kind::Python { script, packages },
    }
}

/// Network, batch size, number of steps and number of threads of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) network: Network,
    pub(crate) batch_size: usize,
    pub(crate) steps: usize,
    pub(crate) threads: usize,
}

impl Contender {
    /// Returns the contender of a name.
    ///
    /// # Errors
    /// If there is no such contender; the message lists all contenders.
    pub(crate) fn named(name: &str) -> Result<Self> {
        match ALL.iter().find(|contender| contender.name == name) {
            Some(contender) => Ok(contender.clone()),
            None => {
                let known: Vec<&str> = ALL.iter().map(|contender| contender.name).collect();
                bail!(
                    "there is no contender `{name}`; there are: {}",
                    known.join(", ")
                )
            }
        }
    }

    /// Returns whether the contender implements the network. Packages in Rust have a few of the zoo's networks; Python
    /// programs build any network from the file of its architecture.
    pub(crate) fn has(&self, network: &Network) -> bool {
        let is_package = matches!(self.kind, Kind::Cargo { .. });
        !is_package || (PACKAGED.contains(&&*network.name) && network.size.is_none())
    }

    /// Returns the Python program, if the contender is one.
    pub(crate) fn script(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Python { script, .. } => Some(script),
            Kind::Modiste { .. } | Kind::Cargo { .. } => None,
        }
    }

    /// Returns the Python packages that the contender needs.
    pub(crate) fn packages(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Python { packages, .. } => packages,
            Kind::Modiste { .. } | Kind::Cargo { .. } => &[],
        }
    }

    fn command(&self, modiste: &Modiste, python: Option<&Path>, size: &Size) -> Result<Command> {
        let mut command = match &self.kind {
            Kind::Modiste { flags, kernels } => {
                let mut command = modiste.command();
                command.args(["bench", "--json"]).args(*flags);
                if !kernels.is_empty() {
                    command.env("MODISTE_KERNELS", kernels);
                }
                command
            }
            Kind::Cargo { folder } => {
                let package = workspace::root().join("xtask/peers").join(folder);
                let mut command = cargo();
                command
                    .args(["run", "--quiet", "--release", "--manifest-path"])
                    .arg(package.join("Cargo.toml"))
                    .arg("--target-dir")
                    .arg(workspace::root().join("target/peers").join(folder))
                    .arg("--");
                command
            }
            Kind::Python { script, .. } => {
                let python = python.context("this contender needs Python")?;
                let mut command = Command::new(python);
                command.arg(workspace::root().join("xtask/peers").join(script));
                command
            }
        };
        match self.kind {
            Kind::Python { .. } => command.arg("--network").arg(&size.network.file),
            Kind::Modiste { .. } => command.args(size.network.flags()),
            Kind::Cargo { .. } => command.args(["--architecture", &size.network.name]),
        };
        command
            .arg(format!("--batch-size={}", size.batch_size))
            .arg(format!("--steps={}", size.steps))
            .arg(format!("--threads={}", size.threads));
        Ok(command)
    }
}

/// Times of a contender in milliseconds, of all rounds so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) contender: Contender,
    pub(crate) size: Size,
    pub(crate) version: String,
    pub(crate) machine: String,
    pub(crate) steps: Vec<f64>,
    pub(crate) evaluations: Vec<f64>,
}

impl Measured {
    pub(crate) fn new(contender: &Contender, size: &Size) -> Self {
        Self {
            contender: contender.clone(),
            size: size.clone(),
            version: String::new(),
            machine: String::new(),
            steps: Vec::new(),
            evaluations: Vec::new(),
        }
    }

    /// Runs the contender and adds its times.
    ///
    /// # Errors
    /// If it fails or its output cannot be parsed.
    pub(crate) fn run(&mut self, modiste: &Modiste, python: Option<&Path>) -> Result<()> {
        let mut command = self.contender.command(modiste, python, &self.size)?;
        let text = command::output(&mut command)?;
        self.add(&text)
            .with_context(|| format!("output of {}: {text}", self.contender.name))
    }

    fn add(&mut self, text: &str) -> Result<()> {
        let report: Value = serde_json::from_str(text)?;
        let word = |key: &str| report[key].as_str().map(String::from);
        self.version = word("version")
            .or_else(|| word("kernels"))
            .context("the output contains no version")?;
        if let Some(machine) = word("machine") {
            self.machine = machine;
        }
        for (key, times) in [
            ("steps", &mut self.steps),
            ("evaluations", &mut self.evaluations),
        ] {
            // `modiste bench` also prints the number of steps, under the key of the times.
            let found = report["timings"][key].as_array().or(report[key].as_array());
            let found = found.with_context(|| format!("the output contains no times of {key}"))?;
            times.extend(found.iter().filter_map(Value::as_f64));
        }
        Ok(())
    }

    /// Returns all fields as JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "contender": self.contender.name,
            "version": self.version,
            "machine": self.machine,
            "architecture": self.size.network.to_string(),
            "batch_size": self.size.batch_size,
            "threads": self.size.threads,
            "steps": self.steps,
            "evaluations": self.evaluations,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str) -> Measured {
        let size = Size {
            network: Network::named("vgg", Path::new("")).expect("a network"),
            batch_size: 100,
            steps: 2,
            threads: 2,
        };
        Measured::new(&Contender::named(name).expect("a contender"), &size)
    }

    #[test]
    fn reads_output_of_modiste_and_peers() {
        let mut torch = measured("torch");
        torch
            .add(r#"{"version": "2.15", "steps": [3.0, 4.0], "evaluations": [1.0]}"#)
            .expect("a report");
        assert_eq!((torch.steps.len(), torch.evaluations.len()), (2, 1));
        let mut modiste = measured("modiste");
        let report = r#"{"kernels": "avx2", "machine": "M, 2 cores", "steps": 2,
            "timings": {"steps": [3.0, 4.0], "evaluations": [1.0, 2.0]}}"#;
        modiste.add(report).expect("a report");
        modiste.add(report).expect("a report");
        assert_eq!((modiste.steps.len(), modiste.evaluations.len()), (4, 4));
        assert_eq!(modiste.version, "avx2");
    }

    #[test]
    fn lists_contenders_if_name_is_unknown() {
        let error = Contender::named("caffe").expect_err("no such contender");
        assert!(error.to_string().contains("torch, keras, onnx"), "{error}");
    }
}
