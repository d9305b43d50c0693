//! The outputs of a conversion: which part goes where, checked before anything is read.

use zeroize::Zeroizing;

use crate::cli::convert::{Certs, ConvertArgs};
use crate::commands::shared::writing;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::outputs::{self, Output};
use crate::world::place;

const STANDARD: Location = Location::Standard;

/// The outputs that the arguments name.
pub(super) struct OutputPlan<'a> {
    /// The output for everything that has none of its own.
    main: Option<&'a Location>,
    certificates: Option<&'a Location>,
    key: Option<&'a Location>,
}

/// A stretch of PEM.
pub(super) struct Part {
    pub(super) text: Zeroizing<Vec<u8>>,
    pub(super) certificates: usize,
    pub(super) keys: usize,
}

/// All parts that go to one place.
pub(super) struct PlannedOutput<'a> {
    pub(super) location: &'a Location,
    pub(super) part: Part,
}

impl<'a> OutputPlan<'a> {
    pub(super) fn new(arguments: &'a ConvertArgs) -> Result<Self, Error> {
        let plan = Self::distribute_roles(arguments)?;
        plan.check_names(arguments.json)?;
        Ok(plan)
    }

    /// Refuses to print a key on a terminal unasked.
    pub(super) fn check_terminal(&self, arguments: &ConvertArgs, context: &Context<'_>) -> Result<(), Error> {
        let takes_key = self.key.or(self.main);
        let is_unasked = arguments.output.is_none() && arguments.key_out.is_none();
        if arguments.no_key || !is_unasked || takes_key.is_none() || !context.stdout_is_terminal {
            return Ok(());
        }
        Err(Error::new(ExitKind::Usage, "a private key is not printed on a terminal").hint(format!(
            "write it to a file with -o {}, or print it all the same with -o -",
            place::free_name("push.pem")
        )))
    }

    /// Returns whether the key goes to a file: a device or a stream does not keep it.
    pub(super) fn keeps_key(&self) -> bool {
        match self.key.or(self.main) {
            Some(Location::Path(path)) => !path.exists() || path.is_file(),
            Some(Location::Standard) | None => false,
        }
    }

    /// Decides which output takes what, and refuses an output that would stay empty.
    fn distribute_roles(arguments: &'a ConvertArgs) -> Result<Self, Error> {
        let (writes_certificates, writes_key) = (arguments.certs != Certs::None, !arguments.no_key);
        if !writes_certificates && !writes_key {
            return Err(usage("--certs none and --no-key leave nothing to write"));
        }
        if arguments.cert_out.is_some() && !writes_certificates {
            return Err(usage("--cert-out has nothing to write with --certs none"));
        }
        let certificates = arguments.cert_out.as_ref();
        let key = arguments.key_out.as_ref();
        let needs_main = (writes_certificates && certificates.is_none()) || (writes_key && key.is_none());
        if arguments.output.is_some() && !needs_main {
            return Err(usage("-o has nothing to write: --cert-out and --key-out take it all"));
        }
        let main = if needs_main { Some(arguments.output.as_ref().unwrap_or(&STANDARD)) } else { None };
        Ok(Self { main, certificates, key })
    }

    fn check_names(&self, is_json: bool) -> Result<(), Error> {
        let all = self.all();
        if is_json && all.iter().any(|output| output.is_same_output(&STANDARD)) {
            return Err(usage("--json reports on standard output, where the PEM would go")
                .hint(format!("write the PEM to a file with -o {}", place::free_name("push.pem"))));
        }
        for (index, output) in all.iter().enumerate() {
            if all[..index].iter().any(|other| other.is_same_output(output)) {
                return Err(usage("two outputs have the same name"));
            }
        }
        Ok(())
    }

    pub(super) fn all(&self) -> Vec<&'a Location> {
        [self.main, self.certificates, self.key].into_iter().flatten().collect()
    }

    /// Joins the parts that go to the same place.
    pub(super) fn distribute(&self, parts: Vec<Part>) -> Vec<PlannedOutput<'a>> {
        let mut outputs: Vec<PlannedOutput<'a>> = Vec::new();
        for part in parts {
            let own = match (part.certificates > 0, part.keys > 0) {
                (true, true) => None,
                (false, true) => self.key,
                (_, false) => self.certificates,
            };
            let Some(location) = own.or(self.main) else { continue };
            match outputs.iter_mut().find(|output| output.location == location) {
                Some(output) => output.part.append(&part),
                None => outputs.push(PlannedOutput { location, part }),
            }
        }
        outputs
    }
}

impl Part {
    fn append(&mut self, other: &Self) {
        self.text.extend_from_slice(&other.text);
        self.certificates += other.certificates;
        self.keys += other.keys;
    }
}

fn usage(message: &str) -> Error {
    Error::new(ExitKind::Usage, message)
}

/// Writes all outputs. Files are on the disk before standard output is written, and get their names after it: neither
/// can fail without leaving all files as they were.
pub(super) fn write(outputs: &[PlannedOutput<'_>], force: bool, context: &mut Context<'_>) -> Result<(), Error> {
    let mut files = Vec::new();
    for PlannedOutput { location, part } in outputs {
        match location {
            Location::Path(path) => {
                let force = force || place::is_own_empty_file(path);
                files.push(Output { path, bytes: &part.text, is_private: part.keys > 0, force });
            }
            Location::Standard => writing::check_standard_output()?,
        }
    }
    let staged = outputs::stage_all(&files).map_err(writing::explain)?;
    for PlannedOutput { location, part } in outputs {
        if **location == Location::Standard {
            context.stdout.write_all(&part.text)?;
        }
    }
    context.stdout.flush()?;
    staged.write_in_place().map_err(writing::explain)?;
    let changes = staged.commit().map_err(writing::explain)?;
    writing::warn_of_owners(&changes, context)
}
