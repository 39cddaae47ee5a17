"""moto with what Karpenter needs of AWS and moto does not have, for tests.

    python karpenter_moto.py [--port PORT] [--watch-stdin]

prints ``listening on PORT`` and serves until it is killed (or, with ``--watch-stdin``, until its
standard input ends, so that it never outlives the test that started it). Everything is in memory.

Beside the services there is what programs get credentials from: instance metadata (``/latest/``)
and Pod Identity (``/v1/credentials``). The control address is ``/_control/NAME``: JSON in, JSON out.

    GET    /_control/calls            calls so far: service, action, region, status, parameters
    DELETE /_control/calls            forget them
    POST   /_control/faults           one rule, or a list: see ``Fault``
    DELETE /_control/faults           no more faults
    POST   /_control/pools            {"m5.large/us-west-2a/spot": 0, ...}: instances that can be had
    POST   /_control/prices           {"on-demand": {type: usd}, "spot": {"type/zone": usd}}
    POST   /_control/parameters       {"/aws/service/...": "ami-..."}: parameters of SSM, of any name
    POST   /_control/images           [{"id", "name", "architecture", "owner", "created",
                                        "deprecated", "tags", "region"}]
    POST   /_control/reservations     [{CapacityReservationId, InstanceType, AvailabilityZone, ...}]
    POST   /_control/placement-groups [{GroupId, GroupName, Strategy, ...}], as DescribePlacementGroups tells
    POST   /_control/impaired         {"i-...": {"instance": seconds, "system": seconds, "ebs": seconds,
                                        "events": [{"Code", "Description"}]}}
    POST   /_control/shifts           {"arn:...": [{"awayFrom", "expiryTime", "appliedStatus"}]}
    POST   /_control/pages            {"access key": 2, ...}: rows that a page of a list has at most
    POST   /_control/settings         {"pending_seconds", "shutting_down_seconds", "types": [...] or null}
    POST   /_control/reset            all of the above as at the start; moto's own state is kept

What moto answers by itself is left alone unless AWS answers otherwise in a way that matters to
Karpenter; each such place says what AWS does. Written for the version of moto in requirements.txt.
"""

import argparse
import copy
import datetime
import fnmatch
import hashlib
import io
import json
import logging
import os
import re
import socket
import sys
import threading
import time
import urllib.parse

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.amis import Ami
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES
from moto.ec2.models.instances import Instance, InstancePlacement, InstanceState, MetadataOptions
from moto.ec2.responses import EC2Response
from moto.ec2.utils import convert_tag_spec
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from werkzeug.serving import make_server

LOCK = threading.RLock()
USER_DATA_LIMIT = 16384


class Fault:
    """What happens to calls that match: service (as in the signature), action, and access key,
    empty for any.

    ``count`` calls are hit (absent: all). In this order: wait ``delay`` seconds; do what is asked if
    the connection is cut ``after`` that; ``cut`` the connection; answer ``answer`` (text) with
    ``status``; answer the error ``code`` and ``message`` with ``status``; with none of these the
    call goes on.
    """

    def __init__(self, rule):
        self.service = rule.get("service", "")
        self.action = rule.get("action", "")
        self.key = rule.get("key", "")
        self.count = rule.get("count")
        self.delay = rule.get("delay", 0)
        self.cut = rule.get("cut", False)
        self.after = rule.get("after", False)
        self.answer = rule.get("answer")
        self.code = rule.get("code", "")
        self.message = rule.get("message", "injected")
        self.status = rule.get("status", 400)

    def take(self, service, action, key):
        """Whether this call is hit; then it counts."""
        wanted = [(self.service, service), (self.action, action), (self.key, key)]
        if self.count == 0 or any(one not in ("", have) for one, have in wanted):
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Control:
    """What tests set and read."""

    def __init__(self):
        self.calls = []
        self.faults = []
        self.reset()

    def reset(self):
        self.calls.clear()
        self.faults.clear()
        self.pools = {}
        self.prices = {"on-demand": {}, "spot": {}}
        self.parameters = {}
        self.images = []
        self.reservations = {}
        self.groups = {}
        self.impaired = {}
        self.shifts = {}
        self.pages = {}
        self.fleets = {}
        self.templates = {}
        self.settings = {"pending_seconds": 0, "shutting_down_seconds": 0, "types": None}
        self.answers = {}

    def handle(self, method, name, body):
        """One request of the control address."""
        given = json.loads(body) if body else None
        if name == "calls":
            if method == "DELETE":
                self.calls.clear()
            return list(self.calls)
        if name == "faults":
            if method == "DELETE":
                self.faults.clear()
            else:
                self.faults.extend(map(Fault, given if isinstance(given, list) else [given]))
            return len(self.faults)
        if name == "reset":
            return self.reset()
        if name == "prices":
            for kind, prices in given.items():
                self.prices[kind].update(prices)
        elif name == "reservations":
            self.reservations.update({r["CapacityReservationId"]: dict(r) for r in given})
        elif name == "placement-groups":
            self.groups.update({group["GroupId"]: group for group in given})
        elif name == "images":
            self.images.extend(given)
        elif name == "settings":
            self.settings.update(given)
        elif name in ("pools", "parameters", "impaired", "shifts", "pages"):
            getattr(self, name).update(given)
        else:
            raise KeyError(name)
        self.answers.clear()
        return None


CONTROL = Control()
# The call that a thread is answering.
ANSWERING = threading.local()


def most_rows():
    """How many rows a page has at most, whatever is asked for: AWS may always give fewer."""
    return CONTROL.pages.get(ANSWERING.key, sys.maxsize)


# --- facts -------------------------------------------------------------------------------------


def offerings(region):
    """Type and zone of all that a region offers, of the types that tests left in."""
    rows = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    wanted = CONTROL.settings["types"]
    return [row for row in rows if wanted is None or row["InstanceType"] in wanted]


def on_demand_price(name):
    """Dollars per hour: as set, else by a formula that is at least in order of size."""
    info = INSTANCE_TYPES.get(name)
    if name in CONTROL.prices["on-demand"] or info is None:
        return float(CONTROL.prices["on-demand"].get(name, 0))
    cpus, mib = info["VCpuInfo"]["DefaultVCpus"], info["MemoryInfo"]["SizeInMiB"]
    gpus = sum(gpu["Count"] for gpu in info.get("GpuInfo", {}).get("Gpus", []))
    return round(0.03 * cpus + 0.004 * mib / 1024 + gpus, 5)


def spot_price(name, zone):
    """Dollars per hour: as set, else two fifths of on-demand and a little more in later zones."""
    known = CONTROL.prices["spot"].get(f"{name}/{zone}")
    later = 1 + 0.01 * (ord(zone[-1]) - ord("a"))
    return float(known) if known is not None else round(0.4 * on_demand_price(name) * later, 5)


ALIASES = [
    r"/aws/service/eks/optimized-ami/(?P<k>[\d.]+)/amazon-linux-2(?P<arch>-arm64|-gpu)?/(?P<v>[^/]+)/image_id",
    r"/aws/service/eks/optimized-ami/(?P<k>[\d.]+)/amazon-linux-2023/(?P<arch>x86_64|arm64)/\w+/(?P<v>[^/]+)/image_id",
    r"/aws/service/bottlerocket/aws-k8s-(?P<k>[\d.]+)(-nvidia)?/(?P<arch>x86_64|arm64)/(?P<v>[^/]+)/image_id",
    r"/aws/service/ami-windows-latest/Windows_Server-\d+-English-(Core|Full)-EKS_Optimized-(?P<k>[\d.]+)/image_id",
    r"/aws/service/canonical/ubuntu/eks/[\d.]+/(?P<k>[\d.]+)/stable/\w+/(?P<arch>amd64|arm64)/hvm/ebs-gp\d/ami-id",
]


def image_of_alias(name, ec2):
    """The image of a public parameter; it exists once somebody has asked for it."""
    match = next(filter(None, (re.fullmatch(alias, name) for alias in ALIASES)), None)
    if match is None:
        return None
    image = "ami-" + hashlib.sha256(f"{ec2.region_name}{name}".encode()).hexdigest()[:17]
    if image not in ec2.amis:
        arm = "arm64" in (match.groupdict().get("arch") or "")
        add_image(ec2, {
            "id": image,
            "name": name.removeprefix("/aws/service/").removesuffix("/image_id").replace("/", "-"),
            "architecture": "arm64" if arm else "x86_64",
            "owner": "602401143452",
            "created": "2026-01-01T00:00:00Z",
        })
    return image


def add_image(ec2, given):
    """Puts an image into a region. AWS tells when it is to be used no more; moto does not."""
    created = datetime.datetime.fromisoformat(given["created"].replace("Z", "+00:00"))
    image = Ami(
        ec2, given["id"], name=given["name"], architecture=given.get("architecture", "x86_64"),
        owner_id=given.get("owner"), creation_date=created.replace(tzinfo=None), public=True,
        virtualization_type="hvm", hypervisor="xen", root_device_type="ebs",
        image_location="amazon/" + given["name"], tags=given.get("tags", {}),
    )
    image.deprecation_time = given.get("deprecated")
    ec2.amis[given["id"]] = image


def zone_ids(ec2):
    return {zone.name: zone.zone_id for zone in ec2.describe_availability_zones()}


# --- EC2: lists --------------------------------------------------------------------------------


def filters_of(response):
    """All filters, as pairs: of two with the same name both must hold, in moto the last one wins."""
    given = response._get_param("Filters", []) or response._get_param("Filter", [])
    return [(one["Name"], one.get("Values", [])) for one in given]


def matches(row, filters, names):
    """Whether a row (an answer of AWS) matches; ``names`` says where the values of a filter are."""
    tags = {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])}
    for name, wanted in filters:
        if name.startswith("tag:"):
            have = [tags[name[4:]]] if name[4:] in tags else []
        elif name == "tag-key":
            have = list(tags)
        elif name in names:
            have = names[name](row)
        else:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not any(fnmatch.fnmatchcase(str(one), pattern) for one in have for pattern in wanted):
            return False
    return True


def page(response, key, rows, default=1000):
    """Part of a list, and the token of the next part, which moto gives for instances only."""
    start = int(response._get_param("NextToken") or 0)
    size = min(int(response._get_param("MaxResults") or default), most_rows())
    more = str(start + size) if start + size < len(rows) else None
    return ActionResult({key: rows[start:start + size], "NextToken": more})


def paged(name, key):
    """Lets a list of moto's come in pages."""
    original = getattr(EC2Response, name)

    def describe(self):
        return page(self, key, list(original(self).result[key]))

    setattr(EC2Response, name, describe)


for _name, _key in [("describe_subnets", "Subnets"), ("describe_security_groups", "SecurityGroups")]:
    paged(_name, _key)


def describe_launch_templates(self, original=EC2Response.describe_launch_templates):
    """moto cuts the list at MaxResults (15 if absent) and gives no token."""
    get = self._get_param
    self._get_param = lambda name, *rest, **more: None if name == "MaxResults" else get(name, *rest, **more)
    self._get_int_param = lambda name, default=None: 100000 if name == "MaxResults" else default
    rows = list(original(self).result["LaunchTemplates"])
    self._get_param = get
    return page(self, "LaunchTemplates", rows, 200)


def describe_instance_types(self):
    """Only what the region offers; a filter of several values holds if any of a type's values does."""
    self.error_on_dryrun()
    region = {row["InstanceType"] for row in offerings(self.region)}
    wanted = self._get_param("InstanceTypes", [])
    names = {
        "instance-type": lambda row: [row["InstanceType"]],
        "bare-metal": lambda row: [str(row["BareMetal"]).lower()],
        "current-generation": lambda row: [str(row["CurrentGeneration"]).lower()],
        "supported-virtualization-type": lambda row: row["SupportedVirtualizationTypes"],
        "supported-usage-class": lambda row: row["SupportedUsageClasses"],
        "processor-info.supported-architecture": lambda row: row["ProcessorInfo"]["SupportedArchitectures"],
    }
    unknown = [name for name in wanted if name not in INSTANCE_TYPES]
    if unknown:
        raise EC2ClientError("InvalidInstanceType", f"The following supplied instance types do not exist: {unknown}")
    rows = [INSTANCE_TYPES[name] for name in sorted(wanted or region) if name in region]
    return page(self, "InstanceTypes", [row for row in rows if matches(row, filters_of(self), names)], 100)


def describe_instance_type_offerings(self, original=EC2Response.describe_instance_type_offerings):
    rows, wanted = original(self).result["InstanceTypeOfferings"], CONTROL.settings["types"]
    return page(self, "InstanceTypeOfferings",
                [row for row in rows if wanted is None or row["InstanceType"] in wanted])


def describe_spot_price_history(self):
    names = {
        "instance-type": lambda row: [row["InstanceType"]],
        "availability-zone": lambda row: [row["AvailabilityZone"]],
    }
    rows = [
        {
            "InstanceType": row["InstanceType"],
            "AvailabilityZone": row["Location"],
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": f"{spot_price(row['InstanceType'], row['Location']):.6f}",
            "Timestamp": "2026-01-01T00:00:00Z",
        }
        for row in offerings(self.region)
        if "spot" in INSTANCE_TYPES.get(row["InstanceType"], {}).get("SupportedUsageClasses", [])
    ]
    return page(self, "SpotPriceHistory", [row for row in rows if matches(row, filters_of(self), names)])


def describe_images(self, original=EC2Response.describe_images):
    ec2 = self.ec2_backend
    for given in CONTROL.images:
        if given.get("region", self.region) == self.region and given["id"] not in ec2.amis:
            add_image(ec2, given)
    return page(self, "Images", list(original(self).result["Images"]))


def describe_instances(self, original=EC2Response.describe_instances):
    """Every filter must hold, also when two have the same name."""
    seen, twice = {}, []
    for name, values in filters_of(self):
        if name in seen:
            twice.append({name: values})
        seen.setdefault(name, values)
    self._filters_from_querystring = lambda: seen
    get = self._get_param
    self._get_param = lambda name, *rest, **more: (
        min(int(get(name) or 1000), most_rows()) if name == "MaxResults" else get(name, *rest, **more))
    if not twice:
        return original(self)
    ids = None
    for filters in [seen, *twice]:
        found = self.ec2_backend.describe_instances(filters=filters)
        found = {one.id for reservation in found for one in reservation.instances}
        ids = found if ids is None else ids & found
    self._filters_from_querystring = lambda: {"instance-id": sorted(ids)}
    return original(self)


def describe_instance_status(self):
    """moto's instances are always well, and its filters are not looked at."""
    zones, rows = zone_ids(self.ec2_backend), []
    for one in self.ec2_backend.all_running_instances():
        given = CONTROL.impaired.get(one.id, {})
        rows.append({
            "InstanceId": one.id,
            "AvailabilityZone": one.availability_zone,
            "AvailabilityZoneId": zones.get(one.availability_zone),
            "InstanceState": one.instance_state,
            "InstanceStatus": summary(given.get("instance")),
            "SystemStatus": summary(given.get("system")),
            "AttachedEbsStatus": summary(given.get("ebs")),
            "Events": given.get("events", []),
        })
    names = {
        "instance-status.status": lambda row: [row["InstanceStatus"]["Status"]],
        "system-status.status": lambda row: [row["SystemStatus"]["Status"]],
        "event.code": lambda row: [event["Code"] for event in row["Events"]],
    }
    return page(self, "InstanceStatuses", [row for row in rows if matches(row, filters_of(self), names)])


def summary(impaired_for):
    """One check: well, or impaired for so many seconds."""
    if impaired_for is None:
        return {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=impaired_for)
    detail = {"Name": "reachability", "Status": "failed", "ImpairedSince": since}
    return {"Status": "impaired", "Details": [detail]}


def describe_capacity_reservations(self):
    wanted = self._get_param("CapacityReservationIds", [])
    if missing := [one for one in wanted if one not in CONTROL.reservations]:
        raise EC2ClientError("InvalidCapacityReservationId.NotFound",
                             f"The capacity reservation ID '{missing[0]}' does not exist")
    names = {
        "state": lambda row: [row.get("State", "active")],
        "owner-id": lambda row: [row.get("OwnerId", self.current_account)],
        "instance-match-criteria": lambda row: [row.get("InstanceMatchCriteria", "targeted")],
        "instance-type": lambda row: [row["InstanceType"]],
    }
    usual = {"State": "active", "OwnerId": self.current_account, "InstanceMatchCriteria": "targeted"}
    rows = [usual | one for key, one in CONTROL.reservations.items() if not wanted or key in wanted]
    return page(self, "CapacityReservations", [row for row in rows if matches(row, filters_of(self), names)])


def describe_placement_groups(self):
    ids, group_names = self._get_param("GroupIds", []), self._get_param("GroupNames", [])
    known = list(CONTROL.groups.values())
    for kind, wanted in [("GroupId", ids), ("GroupName", group_names)]:
        if missing := set(wanted) - {group[kind] for group in known}:
            raise EC2ClientError("InvalidPlacementGroup.Unknown",
                                 f"The Placement Group '{missing.pop()}' is unknown.")
    names = {"state": lambda row: [row.get("State", "available")], "strategy": lambda row: [row["Strategy"]]}
    rows = [{"State": "available"} | group for group in known
            if (not ids or group["GroupId"] in ids) and (not group_names or group["GroupName"] in group_names)]
    return ActionResult({"PlacementGroups": [row for row in rows if matches(row, filters_of(self), names)]})


# --- EC2: launch templates, tags, dry runs -----------------------------------------------------


def create_launch_template(self, original=EC2Response.create_launch_template):
    """A repeated client token gets the same answer."""
    self.error_on_dryrun()
    data = self._get_param("LaunchTemplateData", {}).get("UserData") or ""
    if len(data) * 3 // 4 > USER_DATA_LIMIT:
        raise EC2ClientError("InvalidUserData.Malformed", f"User data is limited to {USER_DATA_LIMIT} bytes")
    token = self._get_param("ClientToken")
    with LOCK:
        if token is None or token not in CONTROL.templates:
            CONTROL.templates[token] = original(self).result
        return ActionResult(CONTROL.templates[token])


def delete_launch_template(self, original=EC2Response.delete_launch_template):
    """AWS has a code for ids, another one for names."""
    template, name = self._get_param("LaunchTemplateId"), self._get_param("LaunchTemplateName")
    if template and template not in self.ec2_backend.launch_templates:
        raise EC2ClientError("InvalidLaunchTemplateId.NotFound",
                             f"The specified launch template, with template ID {template}, does not exist.")
    if name:
        self.ec2_backend.get_launch_template_by_name(name)
    return original(self)


def create_tags(self, original=EC2Response.create_tags):
    for resource in self._get_param("Resources", []):
        if resource.startswith("i-"):
            self.ec2_backend.get_instance(resource)
    return original(self)


def run_instances(self, original=EC2Response.run_instances):
    """Also a dry run looks at the template, and at the profile that it names."""
    name = self._get_param("LaunchTemplate", {}).get("LaunchTemplateName")
    if name:
        data = self.ec2_backend.get_launch_template_by_name(name).latest_version().data
        profile = (data.get("IamInstanceProfile") or {}).get("Name")
        if profile and instance_profile(self.current_account, profile) is None:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Value ({profile}) for parameter iamInstanceProfile.name is invalid. "
                "Invalid IAM Instance Profile name")
    return original(self)


def instance_profile(account, name):
    profiles = iam_backends[account]["aws"].instance_profiles.values()
    return next((one for one in profiles if one.name == name), None)


# --- EC2: fleets -------------------------------------------------------------------------------


class Candidate:
    """One override of a fleet with the template that it goes with."""

    def __init__(self, fleet, template, specification, override, order):
        self.template = template
        self.override = override
        self.specification = {**specification, "LaunchTemplateId": template.id,
                              "Version": str(template.latest_version_number)}
        self.data = template.latest_version().data
        self.type = override.get("InstanceType") or self.data.get("InstanceType")
        subnet = override.get("SubnetId") or next(
            (one["SubnetId"] for one in self.data.get("NetworkInterfaces", []) if "SubnetId" in one), None)
        self.subnet = fleet.ec2.get_subnet(subnet) if subnet else None
        self.zone = self.subnet.availability_zone if self.subnet else override.get("AvailabilityZone")
        price = spot_price(self.type, self.zone) if fleet.kind == "spot" else on_demand_price(self.type)
        priority = float(override.get("Priority", "inf"))
        self.rank = ((priority if "prioritized" in fleet.strategy else price), order)

    def answer(self):
        return {"LaunchTemplateSpecification": self.specification, "Overrides": self.override}


class InstantFleet:
    """CreateFleet of type ``instant``: the best overrides first, as far as their pools go."""

    def __init__(self, response):
        self.response, self.ec2 = response, response.ec2_backend
        target = response._get_param("TargetCapacitySpecification", {})
        self.kind = target.get("DefaultTargetCapacityType") or "on-demand"
        options = response._get_param("SpotOptions" if self.kind == "spot" else "OnDemandOptions", {})
        self.strategy = options.get("AllocationStrategy") or "lowest-price"
        self.capacity = int(target["TotalTargetCapacity"])
        self.tags = convert_tag_spec(response._get_param("TagSpecifications", []))
        self.id = "fleet-" + os.urandom(16).hex()

    def launch(self):
        candidates = []
        for config in self.response._get_param("LaunchTemplateConfigs", []):
            specification = config["LaunchTemplateSpecification"]
            if name := specification.get("LaunchTemplateName"):
                template = self.ec2.get_launch_template_by_name(name)
            else:
                template = self.ec2.get_launch_template(specification["LaunchTemplateId"])
            for override in config.get("Overrides") or [{}]:
                candidates.append(Candidate(self, template, specification, override, len(candidates)))
        instances, errors, missing = [], [], self.capacity
        for candidate in sorted(candidates, key=lambda one: one.rank):
            if missing == 0:
                break
            error, have = self.available(candidate, missing)
            if have:
                missing -= have
                launched = [self.start(candidate) for _ in range(have)]
                instances.append({
                    "LaunchTemplateAndOverrides": candidate.answer(),
                    "Lifecycle": self.lifecycle(), "InstanceIds": [one.id for one in launched],
                    "InstanceType": candidate.type, "Platform": launched[0].platform,
                    "AvailabilityZone": candidate.zone, "SubnetId": candidate.subnet and candidate.subnet.id,
                })
            if error:
                errors.append({
                    "LaunchTemplateAndOverrides": candidate.answer(), "Lifecycle": self.lifecycle(),
                    "ErrorCode": error[0], "ErrorMessage": error[1],
                })
        return {"FleetId": self.id, "Instances": instances, "Errors": errors}

    def lifecycle(self):
        return {"reserved-capacity": "interruptible-capacity-reservation"}.get(self.kind, self.kind)

    def available(self, candidate, wanted):
        """An error if not all that is wanted can be had, and how many can. Takes them."""
        offered = {(row["InstanceType"], row["Location"]) for row in offerings(self.response.region)}
        if (candidate.type, candidate.zone) not in offered:
            return ("InvalidFleetConfiguration", f"Your requested instance type ({candidate.type}) is not supported in "
                    f"your requested Availability Zone ({candidate.zone})."), 0
        reservation = self.reservation(candidate)
        if reservation is not None:
            fits = (reservation.get("InstanceType"), reservation.get("AvailabilityZone")) == (
                candidate.type, candidate.zone)
            left = int(reservation.get("AvailableInstanceCount", 0)) if fits else 0
            code, text = "ReservationCapacityExceeded", "The requested reservation does not have sufficient capacity."
        else:
            pool = f"{candidate.type}/{candidate.zone}/{'spot' if self.kind == 'spot' else 'on-demand'}"
            left = CONTROL.pools.get(pool, wanted)
            code, text = "InsufficientInstanceCapacity", (
                f"We currently do not have sufficient {candidate.type} capacity in the Availability Zone you requested.")
        free = candidate.subnet.available_ip_address_count if candidate.subnet else wanted
        if free < min(left, wanted):
            left, code = free, "InsufficientFreeAddressesInSubnet"
            text = f"There are not enough free addresses in subnet '{candidate.subnet.id}' to satisfy the requested number of instances."
        have = min(wanted, left)
        if reservation is not None:
            reservation["AvailableInstanceCount"] = int(reservation.get("AvailableInstanceCount", 0)) - have
        elif pool in CONTROL.pools:
            CONTROL.pools[pool] -= have
        return ((code, text) if have < wanted else None), have

    def reservation(self, candidate):
        asked = candidate.data.get("CapacityReservationSpecification") or {}
        if asked.get("CapacityReservationPreference") != "capacity-reservations-only":
            return None
        key = (asked.get("CapacityReservationTarget") or {}).get("CapacityReservationId")
        return CONTROL.reservations.get(key, {})

    def start(self, candidate):
        """One instance, with what moto forgets of the template."""
        data, ec2 = candidate.data, self.ec2
        tags = convert_tag_spec(data.get("TagSpecifications", [])).get("instance", {})
        tags = tags | self.tags.get("instance", {}) | {
            "aws:ec2:fleet-id": self.id, "aws:ec2launchtemplate:id": candidate.template.id,
            "aws:ec2launchtemplate:version": str(candidate.template.latest_version_number)}
        interfaces = data.get("NetworkInterfaces") or []
        groups = [group for one in interfaces[:1] for group in one.get("Groups", [])]
        one = ec2.run_instances(
            candidate.override.get("ImageId") or data.get("ImageId"), 1, data.get("UserData"), [],
            security_group_ids=groups, instance_type=candidate.type, is_instance_type_default=False,
            region_name=self.response.region, tags={"instance": tags},
            subnet_id=candidate.subnet and candidate.subnet.id,
            placement=None if candidate.subnet else candidate.zone,
            client_token=None, nics=[],
        ).instances[0]
        one.lifecycle = None if self.kind == "on-demand" else self.lifecycle()
        if self.kind == "spot":
            one.spot_instance_request_id = "sir-" + os.urandom(4).hex()
        one.metadata_options = MetadataOptions(data.get("MetadataOptions") or {})
        enabled = (data.get("Monitoring") or {}).get("Enabled")
        one.monitoring_state = "enabled" if enabled in (True, "true") else "disabled"
        one.placement.availability_zone_id = zone_ids(ec2).get(one.placement.zone)
        placement = data.get("Placement") or {}
        one.placement.tenancy = placement.get("Tenancy", "default")
        one.placement.group_id = placement.get("GroupId")
        one.placement.partition_number = placement.get("PartitionNumber")
        profile = instance_profile(self.response.current_account, (data.get("IamInstanceProfile") or {}).get("Name"))
        one.iam_instance_profile = profile and {"Arn": profile.arn, "Id": profile.id}
        if (asked := data.get("CapacityReservationSpecification")) is not None:
            one.capacity_reservation_specification = asked
        if (reservation := self.reservation(candidate)) is not None:
            one.capacity_reservation_id = reservation["CapacityReservationId"]
        for at, interface in enumerate(interfaces):
            if at > 0:
                one.more_interfaces = getattr(one, "more_interfaces", []) + [copy.copy(one.nics[0])]
                one.more_interfaces[-1].id = "eni-" + os.urandom(8).hex()
            target = one.nics[0] if at == 0 else one.more_interfaces[-1]
            target.interface_type = interface.get("InterfaceType") or "interface"
        later(one, InstanceState("pending", 0), InstanceState("running", 16), "pending_seconds")
        return one


def later(instance, now, then, setting):
    """A state for the time that tests have set, then another one, unless it has moved on since."""
    seconds = CONTROL.settings[setting]
    instance._state = now if seconds else then
    if seconds:
        def move():
            if instance._state is now:
                instance._state = then
        timer = threading.Timer(seconds, move)
        timer.daemon = True
        timer.start()


def create_fleet(self):
    """A repeated client token gets the same answer."""
    self.error_on_dryrun()
    token = self._get_param("ClientToken")
    with LOCK:
        if token is None or token not in CONTROL.fleets:
            CONTROL.fleets[token] = InstantFleet(self).launch()
        return ActionResult(CONTROL.fleets[token])


def terminate(self, *args, original=Instance.terminate, **kwargs):
    """The address is given back at once, and the place in a reservation; the end takes a while."""
    before = self._state.name
    if before in ("shutting-down", "terminated"):
        return InstanceState(before, self._state.code)
    previous = original(self, *args, **kwargs)
    if subnet := self.nics and self.nics[0].subnet:
        for address in list(self._private_ips):
            subnet.del_subnet_ip(address)
        for interface in self.nics.values():
            self.ec2_backend.enis.pop(interface.id, None)
    self._private_ips.clear()
    if reservation := CONTROL.reservations.get(getattr(self, "capacity_reservation_id", None)):
        reservation["AvailableInstanceCount"] += 1
    later(self, InstanceState("shutting-down", 32), InstanceState("terminated", 48), "shutting_down_seconds")
    return previous


def network_interfaces(self):
    return list(self.nics.values()) + getattr(self, "more_interfaces", [])


# --- the other services ------------------------------------------------------------------------


def get_parameter(self, name, original=SimpleSystemManagerBackend.get_parameter):
    """Public parameters can't be put; moto has few of them."""
    from moto.ec2.models import ec2_backends

    value = CONTROL.parameters.get(name)
    value = value or image_of_alias(name, ec2_backends[self.account_id][self.region_name])
    if value is None:
        return original(self, name)
    return Parameter(self.account_id, name, value, "String", None, None, None,
                     datetime.datetime.now(), 1, "text")


def list_instance_profiles(self):
    """moto gives all of them, whatever the path."""
    prefix = self._get_param("PathPrefix") or "/"
    rows = [one for one in self.backend.get_instance_profiles() if one.path.startswith(prefix)]
    start = int(self._get_param("Marker") or 0)
    end = start + min(int(self._get_param("MaxItems") or 100), most_rows())
    more = {"Marker": str(end)} if end < len(rows) else {}
    return ActionResult({"InstanceProfiles": rows[start:end], "IsTruncated": end < len(rows), **more})


def get_products(body):
    """On-demand prices: bare metal where dedicated tenancy is asked for, the others else."""
    filters = {one["Field"]: one["Value"] for one in body.get("Filters", [])}
    region = filters.get("regionCode", "us-east-1")
    metal = filters.get("tenancy") == "Dedicated"
    currency = "CNY" if region.startswith("cn-") else "USD"
    names = sorted({row["InstanceType"] for row in offerings(region)} or INSTANCE_TYPES)
    rows = [
        json.dumps({
            "product": {"attributes": {"instanceType": name, "regionCode": region}, "sku": name},
            "terms": {"OnDemand": {f"{name}.1": {"priceDimensions": {f"{name}.1.1": {
                "unit": "Hrs", "pricePerUnit": {currency: f"{on_demand_price(name):.10f}"}}}}}},
        })
        for name in names if INSTANCE_TYPES[name]["BareMetal"] == metal
    ]
    start, size = int(body.get("NextToken") or 0), min(int(body.get("MaxResults") or 100), most_rows())
    more = {"NextToken": str(start + size)} if start + size < len(rows) else {}
    return {"FormatVersion": "aws_v1", "PriceList": rows[start:start + size], **more}


def get_managed_resource(arn):
    shifts = [
        {"appliedStatus": "APPLIED", "zonalShiftId": f"shift-{at}", "resourceIdentifier": arn, "comment": "test",
         "startTime": time.time() - 60, "expiryTime": time.time() + 3600, **shift}
        for at, shift in enumerate(CONTROL.shifts[arn])
    ]
    return {"arn": arn, "name": arn, "appliedWeights": {}, "zonalShifts": shifts, "autoshifts": [],
            "zonalAutoshiftStatus": "DISABLED"}


for _function in [
    describe_launch_templates, describe_instance_types, describe_instance_type_offerings,
    describe_spot_price_history, describe_images, describe_instances, describe_instance_status,
    describe_capacity_reservations, describe_placement_groups, create_launch_template,
    delete_launch_template, create_tags, run_instances, create_fleet,
]:
    setattr(EC2Response, _function.__name__, _function)
Instance.terminate = terminate
Instance.network_interfaces = property(network_interfaces)
SimpleSystemManagerBackend.get_parameter = get_parameter
IamResponse.list_instance_profiles = list_instance_profiles


# --- in front of moto --------------------------------------------------------------------------

CACHED = ("DescribeInstanceTypes", "DescribeInstanceTypeOfferings")


class Gate:
    """The WSGI application: control, call log, faults, and services that moto does not have."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if path.startswith("/_control/"):
            with LOCK:
                answer = CONTROL.handle(method, path.removeprefix("/_control/"), body)
            return reply(start_response, 200, json.dumps(answer))
        if path == "/latest/api/token":
            # The Rust SDK gives up without the header that says for how long a token is good.
            return reply(start_response, 200, "token", [("x-aws-ec2-metadata-token-ttl-seconds", "21600")])
        if path == "/v1/credentials":
            # As EKS Pod Identity gives them; the access key is the token that was shown.
            return reply(start_response, 200, json.dumps({
                "AccessKeyId": environ.get("HTTP_AUTHORIZATION", ""), "SecretAccessKey": "secret",
                "Token": "token", "Expiration": "2100-01-01T00:00:00Z"}))
        call = Call(environ, body)
        ANSWERING.key = call.record["key"]
        with LOCK:
            CONTROL.calls.append(call.record)
            fault = next((one for one in CONTROL.faults
                          if one.take(call.service, call.action, ANSWERING.key)), None)
        if fault is not None:
            time.sleep(fault.delay)
            if fault.cut and fault.after:
                self.answer(call, environ, lambda *_: None)
            if fault.cut:
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                call.record["status"] = 0
                raise ConnectionResetError
            if fault.answer is not None or fault.code or fault.status >= 500:
                call.record["status"] = fault.status
                text = call.error(fault.code, fault.message) if fault.answer is None else fault.answer
                return reply(start_response, fault.status, text,
                             [("x-amzn-errortype", fault.code), ("x-amzn-requestid", "injected-0001")])
        return self.answer(call, environ, start_response)

    def answer(self, call, environ, start_response):
        call.record["status"] = 200
        if call.service == "pricing":
            return reply(start_response, 200, json.dumps(get_products(json.loads(call.body))))
        if call.service == "arc-zonal-shift":
            arn = urllib.parse.unquote(call.path.removeprefix("/managedresources/"))
            if arn in CONTROL.shifts:
                return reply(start_response, 200, json.dumps(get_managed_resource(arn)))
            call.record["status"] = 404
            return reply(start_response, 404, json.dumps({"message": "no such resource"}),
                         [("x-amzn-errortype", "ResourceNotFoundException")])
        key = (call.region, call.body, most_rows()) if call.action in CACHED else None
        with LOCK:
            known = CONTROL.answers.get(key)
        if known is not None:
            return reply(start_response, 200, *known)
        status, headers, chunks = run(self.application, environ)
        call.record["status"] = status
        if key is not None and status == 200:
            CONTROL.answers[key] = (b"".join(chunks), headers)
        return reply(start_response, status, b"".join(chunks), headers)


class Call:
    """What is asked for, by whichever protocol."""

    def __init__(self, environ, body):
        self.path, self.body = environ["PATH_INFO"], body
        scope = re.search(r"Credential=([^,\s]+)", environ.get("HTTP_AUTHORIZATION", ""))
        scope = scope.group(1).split("/") if scope else []
        form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        target = environ.get("HTTP_X_AMZ_TARGET")
        self.protocol = "json" if target else "query" if "Action" in form else "rest"
        self.service = scope[3] if len(scope) == 5 else "sts" if "WebIdentity" in form.get("Action", "") else ""
        self.region = scope[2] if len(scope) == 5 else ""
        self.action = target.split(".")[-1] if target else form.get("Action", "")
        if self.protocol == "rest" and environ["REQUEST_METHOD"] == "GET":
            rest = {"eks": "DescribeCluster", "arc-zonal-shift": "GetManagedResource"}
            self.action = rest.get(self.service, "")
        parameters = json.loads(body) if self.protocol == "json" and body else form
        self.record = {
            "service": self.service, "action": self.action, "region": self.region, "path": self.path,
            "agent": environ.get("HTTP_USER_AGENT", ""), "key": scope[0] if scope else "",
            "parameters": parameters, "status": None,
        }

    def error(self, code, message):
        """An error as the service's protocol has it."""
        if self.service == "ec2":
            return (f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                    "<RequestID>injected-0001</RequestID></Response>")
        if self.protocol == "query":
            return (f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                    "<RequestId>injected-0001</RequestId></ErrorResponse>")
        return json.dumps({"__type": code, "message": message})


def run(application, environ):
    """Runs a WSGI application, and collects its answer."""
    told = {}

    def start_response(status, headers, _exc=None):
        told["status"], told["headers"] = int(status.split()[0]), headers
        return lambda data: None

    chunks = list(application(environ, start_response))
    return told["status"], told["headers"], chunks


def reply(start_response, status, body, headers=()):
    body = body.encode() if isinstance(body, str) else body
    headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/xml" if body.startswith(b"<") else "application/json"))
    start_response(f"{status} -", [*headers, ("Content-Length", str(len(body)))])
    return [body]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--watch-stdin", action="store_true")
    arguments = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    gate = Gate(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", arguments.port, gate, threaded=True, request_handler=MotoRequestHandler)
    print(f"listening on {server.server_port}", flush=True)
    if arguments.watch_stdin:
        def watch():
            sys.stdin.buffer.read()
            os._exit(0)
        threading.Thread(target=watch, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
