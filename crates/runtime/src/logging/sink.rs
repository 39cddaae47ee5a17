//! Where lines go.

use std::{
    fs::{File, OpenOptions},
    io::Write,
};

use super::LoggingError;
use crate::options::LogOptions;

/// Outputs for lines, and outputs for failures to write them.
pub struct Sink {
    outputs: Vec<Box<dyn Write + Send>>,
    failures: Vec<Box<dyn Write + Send>>,
}

impl Sink {
    /// Opens what the options name.
    pub fn open(options: &LogOptions) -> Result<Self, LoggingError> {
        let outputs = options
            .output_paths
            .iter()
            .map(|path| open(path))
            .collect::<Result<_, _>>()?;
        let failures = options
            .error_output_paths
            .iter()
            .map(|path| open(path))
            .collect::<Result<_, _>>()?;
        Ok(Self { outputs, failures })
    }

    /// Writes to `output` alone.
    pub fn to(output: impl Write + Send + 'static) -> Self {
        Self {
            outputs: vec![Box::new(output)],
            failures: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn add_failures(&mut self, output: impl Write + Send + 'static) {
        self.failures.push(Box::new(output));
    }

    /// Writes a line everywhere. What can't be written is lost, and said where failures go.
    pub(super) fn write(&mut self, line: &[u8]) {
        for output in &mut self.outputs {
            if let Err(error) = output.write_all(line).and_then(|()| output.flush()) {
                for failures in &mut self.failures {
                    // There is nobody left to tell.
                    let _ = writeln!(failures, "writing a log line, {error}");
                }
            }
        }
    }
}

fn open(path: &str) -> Result<Box<dyn Write + Send>, LoggingError> {
    match path {
        "stdout" => Ok(Box::new(std::io::stdout())),
        "stderr" => Ok(Box::new(std::io::stderr())),
        path => {
            let file: Result<File, _> = OpenOptions::new().create(true).append(true).open(path);
            file.map(|file| Box::new(file) as _)
                .map_err(|cause| LoggingError::Open {
                    path: path.to_owned(),
                    cause,
                })
        }
    }
}
