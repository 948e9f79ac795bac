//! A directory of its own for each test, and the command run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A directory of its own for each test, gone afterwards.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qenex-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn run(&self, args: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_qenex"))
            .args(args.split_whitespace())
            .current_dir(&self.0)
            .output()
            .unwrap()
    }

    /// Runs with `--json` and expects success.
    pub fn json(&self, args: &str) -> Value {
        let output = self.run(&format!("{args} --json"));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{args}: {text} {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args}: {error}: {text}"))
    }

    /// Runs with `--json` and expects this exit code and this name of an error.
    pub fn refused(&self, args: &str, exit: i32, name: &str) -> Value {
        let output = self.run(&format!("{args} --json"));
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{args}: {text} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args}: {error}: {text}"));
        assert_eq!(value["error"]["name"], name, "{args}: {text}");
        assert!(value["error"]["code"].as_u64().unwrap() > 0);
        value["error"].clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
