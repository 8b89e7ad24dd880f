"""What a client's commands are told by ``ETP_*``; options of the same names win."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from trigger_runtime.process.environment import EnvironmentSettings

from .gateway import address


def _url(text: str) -> str:
    address(text)
    return text


class ClientSettings(EnvironmentSettings):
    url: Annotated[str, AfterValidator(_url)] = Field(
        description="Address of the gateway, such as http://127.0.0.1:8000."
    )
    api_key: SecretStr = Field(
        description="A key for the gateway. One elsewhere needs both, its address and a key."
    )
