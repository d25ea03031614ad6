//! What breaks: one fault a file, which says everything that others ask of it.

mod disk;
#[macro_use]
mod keys;
#[macro_use]
mod list;
mod packets;
mod selector;
mod serial;
mod streams;
mod victim;

use super::{
    Allowance, Dur,
    read::{
        decode::{Decoder, Fields},
        tree::{Tree, Value},
    },
};

pub use disk::{Disk, DiskOperation};
pub(crate) use list::for_each_fault;
pub use packets::{Path, Reach, Share};
pub use selector::{Part, Selector, region_name};
pub use streams::{Flow, Stream, StreamLink};
pub use victim::{Condition, Conditions, Stored, Victim};

/// What is said of a kind of fault before there is one.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its name in a file.
    pub name: &'static str,
    /// What it does, for a list of all.
    pub help: &'static str,
    /// What it does, for editors.
    pub schema: &'static str,
    /// What stands under it; nothing where its name stands alone.
    pub keys: Option<Keys>,
    /// What was done, once it has struck: `{victims} {were} killed`. `{its}` is theirs where there are several.
    pub past: &'static str,
    /// The same in Chinese.
    pub past_chinese: &'static str,
    /// What it stands for.
    pub nature: Nature,
}

/// What stands under a fault's name.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// What to write where nothing stands there.
    pub missing: &'static str,
    /// An example; `{}` is the node. Files and processes are those of a Redis with `persistence: aof`.
    pub example: &'static str,
}

/// What a fault stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A failure.
    Failure,
    /// A failure that strikes again and again by itself until it is healed.
    Repeating,
    /// An outage whose true length is known, to measure the instrument by.
    Scripted,
    /// Nothing: the run shows what is seen where nothing is done.
    Control,
}

impl Nature {
    /// Whether such failures happen: a quarter's review asks for them.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failure | Self::Repeating)
    }
}

/// What a fault needs of the stack that it strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Need<'f> {
    /// Nodes on machines of their own; the words say what processes of one machine lack.
    Machines(&'static str),
    /// Sidecars: containers in the nodes' network namespaces, which act on packets and probe links.
    Sidecars,
    /// A disk under the nodes' data that can be made to go wrong.
    Disk,
    /// Clocks that can be changed, and servers that tell their time.
    Clock,
    /// A proxy before the nodes, on this link.
    Proxy(StreamLink),
    /// Nodes that hold data; the words say what others lack.
    Data(&'static str),
    /// Members that look each other up by name, with these names.
    Names(&'f [String]),
    /// Servers that present certificates.
    Certificates,
    /// Nodes that play outages.
    Scripts,
}

/// What shows harm that was done to data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Harm<'f> {
    /// A command for a node's shell.
    pub shows: &'f str,
    /// What it says where the harm is.
    pub expect: &'f str,
}

/// A fault as a scenario states it.
pub trait FaultKind {
    /// What it does, in a few words.
    fn title(&self) -> String;

    /// Whom it is aimed at, where that is one selector.
    fn node(&self) -> Option<&Selector>;

    /// The same, to be changed.
    fn node_mut(&mut self) -> Option<&mut Selector>;

    /// Whom it is aimed at, with the key that says so.
    fn aimed(&self) -> Vec<(&'static str, &Selector)> {
        self.node().map(|node| ("node", node)).into_iter().collect()
    }

    /// Everyone whom it names, with the key that does.
    fn named(&self) -> Vec<(&'static str, &Selector)> {
        self.aimed()
    }

    /// After which time it ends by itself.
    fn lasting(&self) -> Option<Dur> {
        None
    }

    /// Whether something is left to heal once it has struck.
    fn lasts(&self) -> bool {
        self.lasting().is_none()
    }

    /// Whether its victim serves nobody any more until it is healed or the fault's time is over.
    fn takes_away(&self) -> bool {
        false
    }

    /// Whether clients may go on being acknowledged by its victim.
    fn serves_on(&self) -> bool {
        !self.takes_away()
    }

    /// Whether it may end a node's server from inside, by the kernel's or a tool's signal.
    fn ends_inside(&self) -> bool {
        false
    }

    /// Whether starting the victim again is part of it.
    fn starts_again(&self) -> bool {
        false
    }

    /// What shows its harm to data, where a command does.
    fn harm(&self) -> Option<Harm<'_>> {
        None
    }

    /// Which further roles its victim must hold or must not.
    fn conditions(&self) -> Conditions {
        Conditions::default()
    }

    /// What it needs of the stack.
    fn needs(&self) -> Vec<Need<'_>> {
        Vec::new()
    }

    /// What the owner of containers that drdrill did not create must allow for it; nothing where its undo cannot be armed there.
    fn allowance(&self) -> Option<Allowance> {
        None
    }
}

/// How a kind of fault is described, read and drawn.
trait Vocabulary: FaultKind + Into<Fault> {
    /// What is said of it.
    const FACTS: Facts;

    /// Decodes what stands under its name; nothing does where the name stands alone.
    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self>;

    /// The faults of this kind that a search may draw for this victim.
    fn drawn(_node: &Selector) -> Vec<Self> {
        Vec::new()
    }
}

macro_rules! declare {
    ($($module:ident: $Kind:ident,)*) => {
        $(mod $module;)*
        $(pub use $module::*;)*

        /// One fault.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Fault {
            $(
                #[allow(missing_docs)]
                $Kind($Kind),
            )*
        }

        $(
            impl From<$Kind> for Fault {
                fn from(kind: $Kind) -> Self {
                    Self::$Kind(kind)
                }
            }
        )*

        /// What is said of every fault, in the order of lists.
        pub const FAULTS: &[Facts] = &[$($Kind::FACTS),*];

        const KINDS: &[Kind] = &[$(Kind::of::<$Kind>()),*];

        impl Fault {
            /// What is said of its kind.
            pub fn facts(&self) -> &'static Facts {
                match self {
                    $(Self::$Kind(_) => &$Kind::FACTS,)*
                }
            }

            fn kind(&self) -> &dyn FaultKind {
                match self {
                    $(Self::$Kind(kind) => kind,)*
                }
            }

            fn kind_mut(&mut self) -> &mut dyn FaultKind {
                match self {
                    $(Self::$Kind(kind) => kind,)*
                }
            }
        }
    };
}

for_each_fault!(declare);

/// How a kind of fault is read and drawn.
struct Kind {
    name: &'static str,
    decode: fn(&mut Decoder, &Tree) -> Option<Fault>,
    drawn: fn(&Selector) -> Vec<Fault>,
}

impl Kind {
    const fn of<K: Vocabulary>() -> Self {
        Self {
            name: K::FACTS.name,
            decode: |d, tree| K::decode(d, tree).map(Into::into),
            drawn: |node| K::drawn(node).into_iter().map(Into::into).collect(),
        }
    }
}

/// What is said of the fault of this name, if there is one.
pub fn facts(name: &str) -> Option<&'static Facts> {
    FAULTS.iter().find(|facts| facts.name == name)
}

impl Facts {
    /// What was done to these victims.
    pub fn was_done(&self, victims: &str, several: bool) -> String {
        let (were, its) = if several {
            ("were", "their")
        } else {
            ("was", "its")
        };
        let past = self.past.replace("{were}", were).replace("{its}", its);
        past.replace("{victims}", victims)
    }

    /// A fault of this kind as a scenario may have it, at this node.
    pub fn example(&self, node: &str) -> String {
        self.keys.map_or_else(
            || self.name.to_owned(),
            |keys| format!("{{ {}: {} }}", self.name, keys.example.replace("{}", node)),
        )
    }
}

impl Fault {
    /// Decodes what stands under `fault`.
    pub(super) fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let names: Vec<&'static str> = FAULTS.iter().map(|facts| facts.name).collect();
        let choice = d.choice(tree, "fault", &names)?;
        let body = match facts(choice.name)?.keys {
            Some(keys) => d.body(&choice, keys.missing)?,
            None => tree,
        };
        let kind = KINDS.iter().find(|kind| kind.name == choice.name)?;
        (kind.decode)(d, body)
    }

    /// The faults of every kind that a search may draw for this victim.
    pub fn drawn(node: &Selector) -> Vec<Self> {
        KINDS.iter().flat_map(|kind| (kind.drawn)(node)).collect()
    }

    /// Its name in a file.
    pub fn name(&self) -> &'static str {
        self.facts().name
    }

    /// Whether it does nothing, on purpose.
    pub fn is_control(&self) -> bool {
        self.facts().nature == Nature::Control
    }

    /// What it does, in a few words.
    pub fn title(&self) -> String {
        self.kind().title()
    }

    /// Whom it is aimed at, where that is one selector.
    pub fn node(&self) -> Option<&Selector> {
        self.kind().node()
    }

    /// The same, to be changed.
    pub fn node_mut(&mut self) -> Option<&mut Selector> {
        self.kind_mut().node_mut()
    }

    /// Whom it is aimed at, with the key that says so.
    pub fn aimed(&self) -> Vec<(&'static str, &Selector)> {
        self.kind().aimed()
    }

    /// Everyone whom it names, with the key that does.
    pub fn named(&self) -> Vec<(&'static str, &Selector)> {
        self.kind().named()
    }

    /// After which time it ends by itself.
    pub fn lasting(&self) -> Option<Dur> {
        self.kind().lasting()
    }

    /// Whether something is left to heal once it has struck.
    pub fn lasts(&self) -> bool {
        self.kind().lasts()
    }

    /// Whether its victim serves nobody any more until it is healed or the fault's time is over.
    pub fn takes_away(&self) -> bool {
        self.kind().takes_away()
    }

    /// Whether clients may go on being acknowledged by its victim. A control has none.
    pub fn serves_on(&self) -> bool {
        !self.is_control() && self.kind().serves_on()
    }

    /// Whether it may end a node's server from inside, by the kernel's or a tool's signal.
    pub fn ends_inside(&self) -> bool {
        self.kind().ends_inside()
    }

    /// Whether starting the victim again is part of it.
    pub fn starts_again(&self) -> bool {
        self.kind().starts_again()
    }

    /// What shows its harm to data, where a command does.
    pub fn harm(&self) -> Option<Harm<'_>> {
        self.kind().harm()
    }

    /// Which further roles its victim must hold or must not.
    pub fn conditions(&self) -> Conditions {
        self.kind().conditions()
    }

    /// What it needs of the stack.
    pub fn needs(&self) -> Vec<Need<'_>> {
        self.kind().needs()
    }

    /// What the owner of containers that drdrill did not create must allow for it; nothing where its undo cannot be armed there.
    pub fn allowance(&self) -> Option<Allowance> {
        self.kind().allowance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Step, read};

    /// A fault as it stands in a file, or what is wrong with it.
    pub(super) fn read_fault(text: &str) -> Result<Fault, String> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ redis: {{}} }}\ntargets: {{ rto: any, rpo: any }}\n\
             drill: [ {{ steady: 5s }}, {{ fault: {text} }}, {{ hold: 2s }}, {{ heal: all }} ]\n"
        );
        let parsed = read("a.yaml", &text, &[]).map_err(|problems| {
            let all = problems.all.iter().map(|problem| format!("{problem:?}"));
            all.collect::<Vec<_>>().join("\n")
        })?;
        let found = parsed.scenario.drill.iter().find_map(|step| match step {
            Step::Fault(fault) => Some(fault.clone()),
            _ => None,
        });
        found.ok_or_else(|| "there is no fault".into())
    }
}
