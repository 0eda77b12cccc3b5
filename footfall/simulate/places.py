"""Where simulated people live: country, languages, clock, money and addresses, one row a place.

Weights are shares of the audience. Namibia is there because ``NA`` is a country, not a gap.
"""

from typing import NamedTuple

__all__ = ["PLACES", "Place"]


class Place(NamedTuple):
    """One audience: ``offset`` is hours ahead of UTC (standard time), ``networks`` are /16 prefixes.

    ``country`` is ISO 3166-1 alpha-2, ``language`` BCP 47, ``timezone`` an IANA name and
    ``currency`` ISO 4217.
    """

    country: str
    continent: str
    language: str
    timezone: str
    offset: float
    currency: str
    weight: float
    networks: tuple[str, ...]


PLACES: tuple[Place, ...] = (
    Place("US", "NA", "en-US", "America/New_York", -5, "USD", 11.0, ("30.33", "32.18")),
    Place("US", "NA", "en-US", "America/Los_Angeles", -8, "USD", 7.0, ("32.18", "30.33")),
    Place("US", "NA", "es-US", "America/Chicago", -6, "USD", 2.0, ("30.33", "32.18")),
    Place("CA", "NA", "en-CA", "America/Toronto", -5, "CAD", 2.5, ("142.195", "70.29")),
    Place("CA", "NA", "fr-CA", "America/Montreal", -5, "CAD", 0.8, ("142.195", "70.29")),
    Place("MX", "NA", "es-MX", "America/Mexico_City", -6, "MXN", 2.2, ("148.210", "189.236")),
    Place("BR", "SA", "pt-BR", "America/Sao_Paulo", -3, "BRL", 4.0, ("187.32", "187.81")),
    Place("AR", "SA", "es-AR", "America/Argentina/Buenos_Aires", -3, "ARS", 1.2, ("200.117", "181.239")),
    Place("CL", "SA", "es-CL", "America/Santiago", -4, "CLP", 0.6, ("186.40", "181.74")),
    Place("CO", "SA", "es-CO", "America/Bogota", -5, "COP", 0.8, ("190.126", "190.254")),
    Place("GB", "EU", "en-GB", "Europe/London", 0, "GBP", 6.5, ("25.230", "94.117")),
    Place("IE", "EU", "en-IE", "Europe/Dublin", 0, "EUR", 0.8, ("87.32", "86.40")),
    Place("DE", "EU", "de-DE", "Europe/Berlin", 1, "EUR", 7.0, ("139.2", "53.58")),
    Place("AT", "EU", "de-AT", "Europe/Vienna", 1, "EUR", 1.0, ("91.115", "178.114")),
    Place("CH", "EU", "de-CH", "Europe/Zurich", 1, "CHF", 0.8, ("85.7", "92.105")),
    Place("CH", "EU", "fr-CH", "Europe/Zurich", 1, "CHF", 0.3, ("92.105", "85.7")),
    Place("FR", "EU", "fr-FR", "Europe/Paris", 1, "EUR", 5.0, ("90.119", "89.159")),
    Place("BE", "EU", "nl-BE", "Europe/Brussels", 1, "EUR", 0.6, ("94.107", "170.255")),
    Place("NL", "EU", "nl-NL", "Europe/Amsterdam", 1, "EUR", 2.0, ("145.53", "31.139")),
    Place("ES", "EU", "es-ES", "Europe/Madrid", 1, "EUR", 3.0, ("88.4", "80.224")),
    Place("PT", "EU", "pt-PT", "Europe/Lisbon", 0, "EUR", 0.8, ("94.133", "139.83")),
    Place("IT", "EU", "it-IT", "Europe/Rome", 1, "EUR", 3.2, ("151.93", "151.30")),
    Place("SE", "EU", "sv-SE", "Europe/Stockholm", 1, "SEK", 1.2, ("193.45", "90.141")),
    Place("NO", "EU", "nb-NO", "Europe/Oslo", 1, "NOK", 0.7, ("158.149", "51.175")),
    Place("DK", "EU", "da-DK", "Europe/Copenhagen", 1, "DKK", 0.7, ("83.88", "2.104")),
    Place("FI", "EU", "fi-FI", "Europe/Helsinki", 2, "EUR", 0.6, ("88.115", "193.210")),
    Place("PL", "EU", "pl-PL", "Europe/Warsaw", 1, "PLN", 1.8, ("178.235", "89.77")),
    Place("CZ", "EU", "cs-CZ", "Europe/Prague", 1, "CZK", 0.7, ("194.228", "85.71")),
    Place("RO", "EU", "ro-RO", "Europe/Bucharest", 2, "RON", 0.8, ("5.15", "82.76")),
    Place("GR", "EU", "el-GR", "Europe/Athens", 2, "EUR", 0.6, ("85.75", "87.203")),
    Place("UA", "EU", "uk-UA", "Europe/Kyiv", 2, "UAH", 0.8, ("37.229", "46.98")),
    Place("TR", "AS", "tr-TR", "Europe/Istanbul", 3, "TRY", 1.5, ("85.110", "212.175")),
    Place("IL", "AS", "he-IL", "Asia/Jerusalem", 2, "ILS", 0.6, ("176.228", "77.127")),
    Place("AE", "AS", "en-AE", "Asia/Dubai", 4, "AED", 0.6, ("94.59", "87.201")),
    Place("SA", "AS", "ar-SA", "Asia/Riyadh", 3, "SAR", 0.8, ("51.218", "188.52")),
    Place("EG", "AF", "ar-EG", "Africa/Cairo", 2, "EGP", 1.0, ("217.53", "156.165")),
    Place("ZA", "AF", "en-ZA", "Africa/Johannesburg", 2, "ZAR", 1.2, ("41.123", "164.150")),
    Place("NG", "AF", "en-NG", "Africa/Lagos", 1, "NGN", 1.4, ("102.94", "102.93")),
    Place("KE", "AF", "en-KE", "Africa/Nairobi", 3, "KES", 0.7, ("154.158", "154.153")),
    Place("NA", "AF", "en-NA", "Africa/Windhoek", 2, "NAD", 0.6, ("41.182", "197.233")),
    Place("MA", "AF", "fr-MA", "Africa/Casablanca", 1, "MAD", 0.5, ("102.100", "196.89")),
    Place("IN", "AS", "en-IN", "Asia/Kolkata", 5.5, "INR", 6.0, ("171.51", "171.58")),
    Place("IN", "AS", "hi-IN", "Asia/Kolkata", 5.5, "INR", 2.0, ("171.58", "171.51")),
    Place("PK", "AS", "en-PK", "Asia/Karachi", 5, "PKR", 0.9, ("39.44", "182.189")),
    Place("BD", "AS", "bn-BD", "Asia/Dhaka", 6, "BDT", 0.6, ("114.130",)),
    Place("ID", "AS", "id-ID", "Asia/Jakarta", 7, "IDR", 2.0, ("120.168", "36.65")),
    Place("TH", "AS", "th-TH", "Asia/Bangkok", 7, "THB", 0.9, ("125.27", "134.236")),
    Place("VN", "AS", "vi-VN", "Asia/Ho_Chi_Minh", 7, "VND", 1.1, ("14.226", "14.165")),
    Place("PH", "AS", "en-PH", "Asia/Manila", 8, "PHP", 1.2, ("124.106", "180.194")),
    Place("SG", "AS", "en-SG", "Asia/Singapore", 8, "SGD", 0.6, ("129.126", "43.13")),
    Place("JP", "AS", "ja-JP", "Asia/Tokyo", 9, "JPY", 4.0, ("126.112", "202.26")),
    Place("KR", "AS", "ko-KR", "Asia/Seoul", 9, "KRW", 1.8, ("124.3", "61.109")),
    Place("AU", "OC", "en-AU", "Australia/Sydney", 10, "AUD", 2.0, ("163.122", "129.94")),
    Place("NZ", "OC", "en-NZ", "Pacific/Auckland", 12, "NZD", 0.5, ("166.65", "122.61")),
)
