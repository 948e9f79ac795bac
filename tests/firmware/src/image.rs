//! The image: its file, its symbols, and how much of the device it takes.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};

/// The image.
pub struct Image {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub elf: Vec<u8>,
}

impl Image {
    /// The image that `QENEX_IMAGE` names.
    pub fn chosen() -> Result<Self> {
        Self::named_by("QENEX_IMAGE")
    }

    /// The loader that `QENEX_LOADER` names.
    pub fn loader() -> Result<Self> {
        Self::named_by("QENEX_LOADER")
    }

    fn named_by(variable: &str) -> Result<Self> {
        let path = std::env::var_os(variable)
            .with_context(|| format!("{variable} names no image: see tests/firmware/run"))?;
        let path = PathBuf::from(path);
        let elf = std::fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, elf })
    }

    /// The address of a symbol.
    pub fn symbol(&self, name: &str) -> Result<u64> {
        let file = object::File::parse(&*self.elf)?;
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
        Ok(symbol.context("no such symbol")?.address())
    }

    /// Bytes of flash and of statics.
    pub fn sizes(&self) -> Result<(u64, u64)> {
        let file = object::File::parse(&*self.elf)?;
        let (mut flash, mut statics) = (0, 0);
        for section in file.sections() {
            match section.kind() {
                SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => {
                    flash += section.size()
                }
                SectionKind::Data => {
                    flash += section.size();
                    statics += section.size();
                }
                SectionKind::UninitializedData => statics += section.size(),
                _ => {}
            }
        }
        Ok((flash, statics))
    }

    /// The most stack that the image can take, by its call graph: see `stack.py`. Prints the calls that lead there.
    pub fn stack_bound(&self) -> Result<u64> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/stack.py");
        let output = Command::new("python3").arg(script).arg(&self.path).output().context("python3")?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        print!("{text}");
        Ok(text.split_whitespace().next().context("no bound")?.parse()?)
    }

    /// What lies in the flash, from the vector table on.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let file = object::File::parse(&*self.elf)?;
        let mut bytes = Vec::new();
        let start = self.symbol("__vector_table")?;
        for name in [".vector_table", ".text", ".rodata"] {
            let section = file.section_by_name(name).context("no such section")?;
            bytes.resize(usize::try_from(section.address() - start)?, 0);
            bytes.extend(section.data()?);
        }
        let data = file.section_by_name(".data").map_or(Ok(&[][..]), |section| section.data())?;
        bytes.resize(usize::try_from(self.symbol("__sidata")? - start)?, 0);
        bytes.extend(data);
        Ok(bytes)
    }
}
