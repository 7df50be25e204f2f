"""The fault proxy, by the name that tests of brokers use."""

from ..faults import FaultProxy as BrokerProxy
from ..faults import fault_proxy as broker_proxy

__all__ = ["BrokerProxy", "broker_proxy"]
