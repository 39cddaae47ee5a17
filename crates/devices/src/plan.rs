//! What a claim asks for, checked and with its selectors compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::ObjectKey;
use expressions::excerpt;
use model::Quantity;
use model::k8s::ResourceClaim;
use model::k8s::dra::{
    DeviceRequest, DeviceSelector, DeviceTaint, DeviceToleration, ExactDeviceRequest,
};

use crate::constraint::Constraint;
use crate::inputs::Inputs;
use crate::pool::Devices;
use crate::refused::{Refused, Unsupported};
use crate::selector::{SelectorId, Selectors};

/// What a claim asks for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Requests, each as its alternatives.
    pub(crate) requests: Vec<Vec<Want>>,
    pub(crate) constraints: Vec<Constraint>,
}

/// Some devices of a kind.
#[derive(Debug)]
pub(crate) struct Want {
    /// As results name it: `request`, or `request/alternative`.
    pub(crate) name: String,
    /// The request.
    pub(crate) parent: String,
    /// Which devices.
    pub(crate) matcher: usize,
    pub(crate) count: Count,
    /// The share of a device.
    pub(crate) capacity: BTreeMap<String, Quantity>,
}

/// How many devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    All,
    Exactly(usize),
}

/// Which devices match which conditions.
#[derive(Debug, Default)]
pub(crate) struct Matchers {
    ids: BTreeMap<(Vec<SelectorId>, Vec<DeviceToleration>), usize>,
    list: Vec<Matcher>,
}

#[derive(Debug, Default)]
struct Matcher {
    /// By number of the device.
    fits: Vec<bool>,
    /// Devices that an expression fails on.
    fails: BTreeMap<usize, Arc<str>>,
}

impl Matchers {
    /// Whether a device matches; the error if an expression fails on it.
    pub(crate) fn fits(&self, matcher: usize, device: usize) -> Result<bool, &Arc<str>> {
        let matcher = &self.list[matcher];
        match matcher.fails.get(&device) {
            Some(problem) => Err(problem),
            None => Ok(matcher.fits[device]),
        }
    }
}

/// Reads claims.
pub(crate) struct Planner<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) devices: &'a Devices,
    pub(crate) selectors: Selectors,
    pub(crate) matchers: Matchers,
}

impl Planner<'_> {
    /// What a claim asks for.
    pub(crate) fn plan(&mut self, key: &ObjectKey, claim: &ResourceClaim) -> Result<Plan, Refused> {
        let unsupported = |what| Refused::Unsupported {
            claim: key.clone(),
            what,
        };
        let asked = &claim.spec.devices;
        let constraints = asked.constraints.iter().map(|constraint| {
            let attribute = constraint.match_attribute.clone();
            let attribute = attribute.filter(|_| constraint.distinct_attribute.is_none());
            Ok(Constraint {
                requests: constraint.requests.clone(),
                attribute: attribute.ok_or_else(|| unsupported(Unsupported::Constraint))?,
            })
        });
        let constraints = constraints.collect::<Result<_, _>>()?;
        let mut requests = Vec::new();
        for request in &asked.requests {
            let mut wants = Vec::new();
            for (name, exact) in alternatives(request) {
                wants.push(self.want(key, (&request.name, name), exact)?);
            }
            if wants.is_empty() {
                return Err(unsupported(Unsupported::Empty(request.name.clone())));
            }
            requests.push(wants);
        }
        Ok(Plan {
            requests,
            constraints,
        })
    }

    fn want(
        &mut self,
        key: &ObjectKey,
        (parent, name): (&str, String),
        exact: &ExactDeviceRequest,
    ) -> Result<Want, Refused> {
        let unsupported = |what| Refused::Unsupported {
            claim: key.clone(),
            what,
        };
        if exact.admin_access == Some(true) {
            return Err(unsupported(Unsupported::AdminAccess(name)));
        }
        let count = match (exact.allocation_mode.as_str(), exact.count.unwrap_or(1)) {
            ("All", _) => Count::All,
            ("" | "ExactCount", count) => match usize::try_from(count) {
                Ok(count) if count > 0 => Count::Exactly(count),
                _ => return Err(unsupported(Unsupported::Empty(name))),
            },
            (mode, _) => {
                return Err(unsupported(Unsupported::Mode {
                    request: name,
                    mode: mode.to_owned(),
                }));
            }
        };
        let class = self.inputs.classes.get(&exact.device_class_name);
        let class = class.ok_or_else(|| Refused::ClassMissing {
            claim: key.clone(),
            request: name.clone(),
            class: exact.device_class_name.clone(),
        })?;
        let mut selectors = Vec::new();
        for selector in class.spec.selectors.iter().chain(&exact.selectors) {
            selectors.push(self.selector(key, &name, selector)?);
        }
        let capacity = exact.capacity.as_ref();
        Ok(Want {
            matcher: self.matcher(selectors, exact.tolerations.clone()),
            parent: parent.to_owned(),
            name,
            count,
            capacity: capacity.map(|c| c.requests.clone()).unwrap_or_default(),
        })
    }

    fn selector(
        &mut self,
        key: &ObjectKey,
        request: &str,
        selector: &DeviceSelector,
    ) -> Result<SelectorId, Refused> {
        let cel = selector.cel.as_ref().ok_or_else(|| Refused::Unsupported {
            claim: key.clone(),
            what: Unsupported::Selector(request.to_owned()),
        })?;
        let compiled = self.selectors.compile(&cel.expression);
        compiled.map_err(|problem| Refused::Selector {
            claim: key.clone(),
            request: request.to_owned(),
            expression: excerpt(&cel.expression),
            problem,
        })
    }

    /// Looks at every device once for each set of conditions.
    fn matcher(&mut self, selectors: Vec<SelectorId>, tolerations: Vec<DeviceToleration>) -> usize {
        let key = (selectors, tolerations);
        if let Some(known) = self.matchers.ids.get(&key) {
            return *known;
        }
        let mut matcher = Matcher::default();
        for (number, dev) in self.devices.list.iter().enumerate() {
            let mut fits = true;
            for selector in &key.0 {
                match self
                    .selectors
                    .matches(*selector, &dev.id.driver, &dev.device)
                {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(problem) => {
                        matcher.fails.insert(number, problem);
                    }
                }
                fits = false;
                break;
            }
            fits &= dev
                .device
                .taints
                .iter()
                .all(|taint| tolerates(&key.1, taint));
            matcher.fits.push(fits);
        }
        let id = self.matchers.list.len();
        self.matchers.list.push(matcher);
        self.matchers.ids.insert(key, id);
        id
    }
}

/// The alternatives of a request, with their names in results.
fn alternatives(request: &DeviceRequest) -> Vec<(String, &ExactDeviceRequest)> {
    if let Some(exact) = &request.exactly {
        return vec![(request.name.clone(), exact)];
    }
    let subs = request.first_available.iter();
    subs.map(|sub| (format!("{}/{}", request.name, sub.name), &sub.request))
        .collect()
}

fn tolerates(tolerations: &[DeviceToleration], taint: &DeviceTaint) -> bool {
    if !matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute") {
        return true;
    }
    tolerations.iter().any(|toleration| {
        let exists = toleration.operator == "Exists";
        (toleration.effect.is_empty() || toleration.effect == taint.effect)
            && (toleration.key == taint.key || toleration.key.is_empty() && exists)
            && (exists || toleration.value == taint.value)
    })
}

/// The fewest devices that a request asks for.
pub(crate) fn fewest(wants: &[Want], matching: &[Vec<usize>]) -> usize {
    let counts = wants
        .iter()
        .zip(matching)
        .map(|(want, matching)| match want.count {
            Count::All => matching.len(),
            Count::Exactly(count) => count,
        });
    counts.min().unwrap_or(0)
}
