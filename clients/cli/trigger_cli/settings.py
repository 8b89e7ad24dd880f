"""What a client's commands are told by ``ETP_*``; options of the same names win."""

from pydantic import Field, SecretStr

from trigger_runtime.process.environment import EnvironmentSettings


class ClientSettings(EnvironmentSettings):
    url: str = Field(description="Address of the gateway, such as http://127.0.0.1:8000.")
    api_key: SecretStr = Field(
        description="A key for the gateway. One elsewhere needs both, its address and a key."
    )
