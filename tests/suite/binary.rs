//! How the binary is linked: it reads hostile files with C code, so that its addresses must not be known.

use std::fs;

/// The program header of the dynamic section, and that of what is read-only after relocation (elf(5)).
const PT_DYNAMIC: u32 = 2;
const PT_GNU_RELRO: u32 = 0x6474_e552;

/// A position-independent file.
const ET_DYN: u16 = 3;

const DT_FLAGS_1: u64 = 0x6fff_fffb;
const DF_1_NOW: u64 = 1;
const DF_1_PIE: u64 = 0x0800_0000;

struct Elf(Vec<u8>);

struct ProgramHeader {
    kind: u32,
    offset: usize,
    size: usize,
}

impl Elf {
    fn number<const N: usize>(&self, offset: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.0[offset..offset + N]);
        u64::from_le_bytes(bytes)
    }

    fn program_headers(&self) -> Vec<ProgramHeader> {
        let (start, size, count) = (self.number::<8>(32), self.number::<2>(54), self.number::<2>(56));
        let mut headers = Vec::new();
        for index in 0..count {
            let at = usize::try_from(start + index * size).unwrap();
            headers.push(ProgramHeader {
                kind: self.number::<4>(at).try_into().unwrap(),
                offset: self.number::<8>(at + 8).try_into().unwrap(),
                size: self.number::<8>(at + 32).try_into().unwrap(),
            });
        }
        headers
    }

    /// Returns the value of an entry of the dynamic section.
    fn dynamic(&self, tag: u64) -> Option<u64> {
        let headers = self.program_headers();
        let section = headers.iter().find(|header| header.kind == PT_DYNAMIC)?;
        let mut entries = (section.offset..section.offset + section.size).step_by(16);
        let entry = entries.find(|at| self.number::<8>(*at) == tag)?;
        Some(self.number::<8>(entry + 8))
    }
}

#[test]
fn the_binary_is_position_independent_and_its_tables_are_read_only() {
    let elf = Elf(fs::read(env!("CARGO_BIN_EXE_pushcert")).unwrap());
    assert_eq!(&elf.0[..6], b"\x7fELF\x02\x01", "64 bits, the lowest first");
    assert_eq!(elf.number::<2>(16), u64::from(ET_DYN));
    let flags = elf.dynamic(DT_FLAGS_1).unwrap();
    assert_eq!(flags & (DF_1_NOW | DF_1_PIE), DF_1_NOW | DF_1_PIE, "{flags:#x}");
    assert!(elf.program_headers().iter().any(|header| header.kind == PT_GNU_RELRO));
}
