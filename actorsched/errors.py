"""Every error that actorsched raises on purpose, split by whose fault it is.

    ActorschedError
    ├── CallerError              the caller can mend it
    │   ├── ConfigError          a setting: flag, environment, file or keyword
    │   ├── ParameterError       a task parameter
    │   ├── TaskLoadError        a module, file, family or class that cannot be used
    │   ├── TaskDefinitionError  a task class or a hook of it that breaks the rules
    │   ├── UnknownMethodError   no such RPC method
    │   ├── InvalidParamsError   arguments that do not fit an RPC method
    │   ├── MalformedRequestError  bytes that are no JSON-RPC request
    │   ├── AddressError         an address that cannot be understood
    │   ├── AccessDeniedError    a key or a user that may not do this, or may not even come in
    │   └── VersionError         the two sides speak versions of the protocol that do not fit
    ├── WorldError               the world is not as it should be
    │   ├── SchedulerUnreachableError  no answer within the patience of the caller
    │   ├── AddressInUseError    somebody else listens there
    │   ├── UntrustedServerError the peer cannot show that it is who it should be
    │   ├── ProtocolError        the peer answered something that is no answer
    │   ├── RemoteError          the peer answered with an error
    │   ├── WorkerReplacedError  another process has taken this worker's id
    │   ├── ChildLostError       a child process could not be started or is gone
    │   ├── StoreError           a store that cannot be used: damaged, newer than we are
    │   └── UnavailableError     not now; nothing was done, and the same may be asked again
    │       ├── StoreUnavailableError  the store cannot be reached or written
    │       ├── StoreHeldError   another scheduler has the store
    │       └── FencedError      another scheduler has taken the place of this one
    └── InternalError            our own bug
        └── InvalidTransitionError  a move that the table of states does not have

``exit_code`` is what a command exits with, ``rpc_code`` the JSON-RPC error code. Messages name the
value, the place and the remedy.
"""

from __future__ import annotations


class ActorschedError(Exception):
    """Root of the tree; never raised itself."""

    exit_code = 70
    rpc_code = -32000


class CallerError(ActorschedError):
    exit_code = 2
    rpc_code = -32602


class ConfigError(CallerError):
    pass


class ParameterError(CallerError):
    pass


class TaskLoadError(CallerError):
    pass


class TaskDefinitionError(CallerError):
    pass


class UnknownMethodError(CallerError):
    rpc_code = -32601


class InvalidParamsError(CallerError):
    rpc_code = -32602


class MalformedRequestError(CallerError):
    rpc_code = -32600


class AddressError(CallerError):
    pass


class AccessDeniedError(CallerError):
    exit_code = 77
    rpc_code = -32004


class VersionError(CallerError):
    rpc_code = -32005


class WorldError(ActorschedError):
    exit_code = 69
    rpc_code = -32001


class SchedulerUnreachableError(WorldError):
    pass


class AddressInUseError(WorldError):
    pass


class UntrustedServerError(WorldError):
    pass


class ProtocolError(WorldError):
    pass


class RemoteError(WorldError):
    """The scheduler answered with a JSON-RPC error.

    Attributes:
        code: the JSON-RPC error code, an integer.
    """

    def __init__(self, message: str, code: int = -32000) -> None:
        super().__init__(message)
        self.code = code


class WorkerReplacedError(WorldError):
    pass


class ChildLostError(WorldError):
    pass


class StoreError(WorldError):
    pass


class UnavailableError(WorldError):
    rpc_code = -32002


class StoreUnavailableError(UnavailableError):
    pass


class StoreHeldError(UnavailableError):
    pass


class FencedError(UnavailableError):
    pass


class InternalError(ActorschedError):
    exit_code = 70
    rpc_code = -32603


class InvalidTransitionError(InternalError):
    pass
