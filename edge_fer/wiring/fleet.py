"""From the config to what takes wanted configs and new certificates, in a fleet alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from edge_fer.config import tree as config
from edge_fer.config.engine.desired import Document, kept_documents
from edge_fer.contract.messages import MessageKind
from edge_fer.contract.messages.audit import AuditChange
from edge_fer.contract.messages.base import rfc3339
from edge_fer.contract.messages.fleet import CertificateRequest, ConfigFault, ConfigReported
from edge_fer.contract.topics import ALL_GROUPS, group_config
from edge_fer.daemon.service import BackgroundPort
from edge_fer.mqtt.certificates import end_in_file
from edge_fer.mqtt.inbound import ListenerPort
from edge_fer.remote.asker import MQTT
from edge_fer.remote.auditing import without_secrets
from edge_fer.remote.desired import DesiredConfigs, DesiredOutcome, DesiredPorts
from edge_fer.remote.renewal import CertificateMaker, CertificateRenewal
from edge_fer.support.redact import redacted_text
from edge_fer.wiring.broker import RENEWED_NAME, broker_settings
from edge_fer.wiring.info import config_hash
from edge_fer.wiring.node import Voice
from edge_fer.wiring.remote import LoadDesired, Remote

__all__ = ["make_members"]


class FleetMemberPort(ListenerPort, BackgroundPort, Protocol):
    """Something that takes what an operator of many nodes asks for."""


def make_members(settings: config.Config, remote: Remote, voice: Voice) -> list[FleetMemberPort]:
    """What takes what an operator asks for, not yet started; tells which config is in force."""
    load = remote.load_desired
    if load is None:
        return []
    # before the link starts, or the broker would hold nothing for a moment
    _tell_config(voice, DesiredOutcome(load(None), {}, ()))
    members: list[FleetMemberPort] = [_make_desired(settings, remote, load, voice)]
    if settings.mqtt.cert_file is not None:
        members.append(_make_renewal(settings, voice))
    return members


def _make_renewal(settings: config.Config, voice: Voice) -> CertificateRenewal:
    broker = broker_settings(settings)[0]

    def ask(request: str | None) -> None:
        now = voice.clock()
        if request is None:
            voice.link.clear(voice.topics.certificate_request)
            return
        ends = end_in_file(broker.own_certificate[0])
        message = CertificateRequest(
            node=voice.composer.node,
            site=voice.composer.site,
            ts=rfc3339(now.utc),
            clock_synced=now.synced,
            request=request,
            ends=rfc3339(ends) if ends else None,
        )
        voice.link.retain(voice.topics.certificate_request, message, now)

    return CertificateRenewal(
        node=settings.node.id,
        topics=voice.topics,
        maker=CertificateMaker(settings.node.id, settings.state_dir, settings.mqtt.ca_file, RENEWED_NAME),
        ends=lambda: end_in_file(broker.own_certificate[0]),
        clock=lambda: voice.clock().utc,
        ask=ask,
        link=voice.link,
    )


def _make_desired(settings: config.Config, remote: Remote, load: LoadDesired, voice: Voice) -> DesiredConfigs:
    """What takes wanted configs, not yet started.

    Args:
        settings: the config.
        remote: has a config taken over.
        load: loads the config with other wishes.
        voice: reports and audits.
    """
    prefix, fleet = settings.mqtt.topic_prefix, settings.fleet
    groups = group_config(prefix, fleet.ring, fleet.groups)
    topics = {group if group == ALL_GROUPS else f"group:{group}": topic for group, topic in groups.items()}
    topics[settings.node.id] = voice.topics.config_desired

    def kept() -> Sequence[Document]:
        return kept_documents(settings.state_dir)[0]

    def report(outcome: DesiredOutcome) -> None:
        _tell_config(voice, outcome)

    def audit(document: Document, changes: Sequence[AuditChange], problem: str) -> None:
        now = voice.clock()
        draft = voice.composer.audit(
            now,
            actor=document.by or None,
            role=MQTT.role,
            via=MQTT.way,
            request_id=document.revision or None,
            command="config",
            fields={"scope": document.scope, "revision": document.revision},
            changes=[
                AuditChange(key=one.key, old=without_secrets(one.old, one.key), new=without_secrets(one.new, one.key))
                for one in changes
            ],
            outcome="refused" if problem else "done",
            message=redacted_text(problem),
        )
        voice.link.post(voice.topics.audit, MessageKind.EVENT, draft, now)

    return DesiredConfigs(topics, DesiredPorts(load, kept, remote.reloader, report, audit))


def _tell_config(voice: Voice, outcome: DesiredOutcome) -> None:
    """Publishes which config is in force, and what is wrong with what is wanted."""
    loaded, now = outcome.loaded, voice.clock()
    # what is wanted and no longer fits, because the file or the version has changed
    aside = [fault for fault in loaded.set_aside if fault.layer.startswith("desired ")]
    faults = dict.fromkeys([*outcome.faults, *aside])
    message = ConfigReported(
        node=voice.composer.node,
        site=voice.composer.site,
        ts=rfc3339(now.utc),
        clock_synced=now.synced,
        hash=config_hash(loaded.config),
        layers=[Path(name).name if name.startswith("/") else name for name in loaded.layers],
        desired=dict(loaded.desired),
        refused=dict(outcome.refused),
        faults=[
            ConfigFault(layer=one.layer, key=one.path, problem=redacted_text(one.problem), remedy=one.remedy)
            for one in faults
        ],
    )
    voice.link.retain(voice.topics.config_reported, message, now)
