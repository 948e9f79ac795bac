"""Contains all the data models used in inputs/outputs"""

from .account import Account
from .account_request import AccountRequest
from .accounts import Accounts
from .add_request import AddRequest
from .alert import Alert
from .alerts import Alerts
from .alerts_state import AlertsState
from .asset import Asset
from .asset_amount import AssetAmount
from .assets import Assets
from .audit_entry import AuditEntry
from .audit_kind import AuditKind
from .audit_page import AuditPage
from .balance import Balance
from .block import Block
from .blocks import Blocks
from .burn_request import BurnRequest
from .candle_view import CandleView
from .candles import Candles
from .candles_step import CandlesStep
from .certificate import Certificate
from .checkpoint import Checkpoint
from .concentration import Concentration
from .confirmed import Confirmed
from .custody import Custody
from .day import Day
from .device_key import DeviceKey
from .device_view import DeviceView
from .economy import Economy
from .error_body import ErrorBody
from .error_detail import ErrorDetail
from .factor import Factor
from .health import Health
from .health_factors import HealthFactors
from .history import History
from .holdings import Holdings
from .issue_request import IssueRequest
from .key import Key
from .key_request import KeyRequest
from .key_view import KeyView
from .kind import Kind
from .log_level import LogLevel
from .me import Me
from .member import Member
from .new_key_view import NewKeyView
from .newest_transactions import NewestTransactions
from .outcome_type_0 import OutcomeType0
from .outcome_type_0_kind import OutcomeType0Kind
from .outcome_type_1 import OutcomeType1
from .outcome_type_1_kind import OutcomeType1Kind
from .outcome_type_2 import OutcomeType2
from .outcome_type_2_kind import OutcomeType2Kind
from .outcome_type_3 import OutcomeType3
from .outcome_type_3_kind import OutcomeType3Kind
from .outcome_type_4 import OutcomeType4
from .outcome_type_4_kind import OutcomeType4Kind
from .outcome_type_5 import OutcomeType5
from .outcome_type_5_kind import OutcomeType5Kind
from .outcome_type_6 import OutcomeType6
from .outcome_type_6_kind import OutcomeType6Kind
from .outcome_type_7 import OutcomeType7
from .outcome_type_7_kind import OutcomeType7Kind
from .pool import Pool
from .pool_request import PoolRequest
from .pool_shares import PoolShares
from .pools import Pools
from .preview import Preview
from .proof import Proof
from .providers_view import ProvidersView
from .quote import Quote
from .refused_one import RefusedOne
from .remove_request import RemoveRequest
from .role import Role
from .sent import Sent
from .session_view import SessionView
from .silence_request import SilenceRequest
from .stability import Stability
from .statement import Statement
from .status import Status
from .submitted import Submitted
from .submitted_all import SubmittedAll
from .summary_line import SummaryLine
from .swap_request import SwapRequest
from .token import Token
from .token_error import TokenError
from .token_request import TokenRequest
from .transaction import Transaction
from .transactions import Transactions
from .transfer_request import TransferRequest
from .validator import Validator
from .validators import Validators
from .work_status import WorkStatus

__all__ = (
    "Account",
    "AccountRequest",
    "Accounts",
    "AddRequest",
    "Alert",
    "Alerts",
    "AlertsState",
    "Asset",
    "AssetAmount",
    "Assets",
    "AuditEntry",
    "AuditKind",
    "AuditPage",
    "Balance",
    "Block",
    "Blocks",
    "BurnRequest",
    "CandleView",
    "Candles",
    "CandlesStep",
    "Certificate",
    "Checkpoint",
    "Concentration",
    "Confirmed",
    "Custody",
    "Day",
    "DeviceKey",
    "DeviceView",
    "Economy",
    "ErrorBody",
    "ErrorDetail",
    "Factor",
    "Health",
    "HealthFactors",
    "History",
    "Holdings",
    "IssueRequest",
    "Key",
    "KeyRequest",
    "KeyView",
    "Kind",
    "LogLevel",
    "Me",
    "Member",
    "NewKeyView",
    "NewestTransactions",
    "OutcomeType0",
    "OutcomeType0Kind",
    "OutcomeType1",
    "OutcomeType1Kind",
    "OutcomeType2",
    "OutcomeType2Kind",
    "OutcomeType3",
    "OutcomeType3Kind",
    "OutcomeType4",
    "OutcomeType4Kind",
    "OutcomeType5",
    "OutcomeType5Kind",
    "OutcomeType6",
    "OutcomeType6Kind",
    "OutcomeType7",
    "OutcomeType7Kind",
    "Pool",
    "PoolRequest",
    "PoolShares",
    "Pools",
    "Preview",
    "Proof",
    "ProvidersView",
    "Quote",
    "RefusedOne",
    "RemoveRequest",
    "Role",
    "Sent",
    "SessionView",
    "SilenceRequest",
    "Stability",
    "Statement",
    "Status",
    "Submitted",
    "SubmittedAll",
    "SummaryLine",
    "SwapRequest",
    "Token",
    "TokenError",
    "TokenRequest",
    "Transaction",
    "Transactions",
    "TransferRequest",
    "Validator",
    "Validators",
    "WorkStatus",
)
