"""What an operator allows targets to be: the same settings in every service that looks at one."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from trigger_contracts.targets.addresses import Allowance, allowance
from trigger_contracts.targets.fields import TargetDefinition
from trigger_contracts.targets.nats_subjects import DEFAULT, check_allowed, check_subject
from trigger_contracts.targets.target import Rules
from trigger_contracts.targets.url import check_url, parse_url

from .environment import EnvironmentSettings


def _entries(text: str) -> tuple[str, ...]:
    return tuple(entry for part in text.split(",") if (entry := part.strip()))


def _allowed(text: str) -> str:
    allowance(_entries(text))
    return text


def _subjects(text: str) -> str:
    check_allowed(_entries(text))
    return text


class TargetSubjectSettings(EnvironmentSettings):
    """Whoever configures the broker reads this alone: it becomes the executor's permission."""

    target_subjects: Annotated[str, AfterValidator(_subjects)] = Field(
        default=",".join(DEFAULT),
        description="Subjects that NATS targets may publish to, with wildcards, separated by "
        "commas. What configures the broker makes the executor's permission of it, and what "
        "`client` and `reader` may hear: `etp up`, the Compose files, `etp nats config`.",
    )

    def subjects(self) -> tuple[str, ...]:
        """The subjects, with their wildcards."""
        return _entries(self.target_subjects)


class TargetRuleSettings(TargetSubjectSettings):
    """Where a target may lead."""

    webhook_allow: Annotated[str, AfterValidator(_allowed)] = Field(
        default="",
        description="Addresses that webhooks may go to though they are not public: networks "
        "(`10.0.0.0/8`), addresses and exact names, each with `:port` where only that one is "
        "meant, separated by commas.",
    )
    webhook_http: Literal["allowed", "always"] = Field(
        default="allowed",
        description="Whether webhooks may be `http://`: to what `ETP_WEBHOOK_ALLOW` names alone, "
        "or always.",
    )

    def allowance(self) -> Allowance:
        """What is allowed beyond public addresses."""
        return allowance(_entries(self.webhook_allow))

    def target_rules(self) -> Rules:
        """Refuses a target that goes where it may not."""
        allowed, subjects = self.allowance(), self.subjects()
        is_http_allowed = self.webhook_http == "always"

        def rules(target: TargetDefinition) -> None:
            if target.url is not None:
                check_url(parse_url(target.url), allowed, is_http_allowed=is_http_allowed)
            if target.subject is not None:
                check_subject(target.subject, subjects)

        return rules
