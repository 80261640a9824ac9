"""Names and words of requests' wire, in every request: not worth a check each."""

from __future__ import annotations

_WORDS = """
user assistant system developer tool function text image_url input_audio file refusal custom string object array number
integer boolean null content json_object json_schema auto none required any minimal low medium high xhigh default flex
priority audio wav mp3 approximate ephemeral
"""
_WORD_FIELDS = """
role type tool_choice reasoning_effort effort service_tier verbosity modalities detail format mode
"""
_NAMES = """
messages model stream stream_options include_usage max_tokens max_completion_tokens temperature top_p n seed stop
presence_penalty frequency_penalty logit_bias logprobs top_logprobs user safety_identifier prompt_cache_key tools
tool_choice parallel_tool_calls response_format reasoning_effort reasoning effort modalities prediction verbosity
metadata store service_tier web_search_options functions function_call documents audio voice format suffix top_k min_p
repetition_penalty extra_body
role content name tool_calls tool_call_id refusal type text image_url url detail input_audio data file file_data file_id
filename id index function arguments custom input description parameters strict json_schema schema cache_control ttl
reasoning_content reasoning_details thinking signature extra_content annotations mode allowed_tools source
properties required items enum additionalProperties anyOf oneOf allOf not const default title examples minimum maximum
minLength maxLength minItems maxItems uniqueItems pattern $schema $ref $defs definitions prefixItems exclusiveMinimum
exclusiveMaximum multipleOf nullable
"""

WORDS = frozenset(_WORDS.split())
"""What stands in WORD_FIELDS and says nothing."""
WORD_FIELDS = frozenset(_WORD_FIELDS.split())
KNOWN_NAMES = frozenset(_NAMES.split())
"""Names of the wire's own fields, and of JSON schema's."""
